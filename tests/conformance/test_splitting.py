"""P-063 to P-066: what is too much for one envelope leaves in several."""

import wire
from test_merging import VNOW, batch, bodies_of, item  # noqa: F401 (a fixture)


def test_P063_a_hundred_sessions_and_one_more(batch):
    def many(n):
        return wire.build({}, [item("session", wire.compact({"sid": str(k), "started": VNOW}))
                               for k in range(n)])

    assert [len(e.items) for e in batch(many(100))] == [100]
    got = batch(many(101))
    assert len(got) == 2 and sorted(len(e.items) for e in got)[1] <= 100
    assert sorted(int(i.json()["sid"]) for e in got for i in e.items) == list(range(101))


def test_P065_event_and_replay_event_part(batch):
    eid = wire.new_id()
    head = {"event_id": eid, "sdk": {"name": "s"}, "x_more": [1]}
    rest = [item("attachment", b"abc", filename="a"), item("replay_recording", b"{}\n[]")]
    got = batch(wire.build(head, [item("event", b"{}"), item("replay_event", b'{"r":1}')] + rest))
    assert sorted(sorted(e.types()) for e in got) == [
        ["attachment", "event"], ["replay_event", "replay_recording"]]
    for e in got:
        assert {k: e.headers.get(k) for k in head} == head


def test_P066_two_logs_in_one_envelope(batch):
    one = item("log", wire.compact({"items": [{"body": "1"}]}), item_count=1,
               content_type=wire.LOG_TYPE)
    two = item("log", wire.compact({"items": [{"body": "2"}, {"body": "3"}]}), item_count=2,
               content_type=wire.LOG_TYPE)
    got = batch(wire.build({}, [one, two]))
    assert all(len(e.of_type("log")) == 1 for e in got)
    assert sorted(b for bodies in bodies_of(got) for b in bodies) == ["1", "2", "3"]


