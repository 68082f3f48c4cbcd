"""What is too much for one envelope becomes several that Sentry takes (11.4)."""

import os

import pytest

import wire
from daemon import wait_until


def replay(eid, segment=0):
    event = wire.compact({"type": "replay_event", "replay_id": eid, "event_id": eid,
                          "segment_id": segment, "replay_type": "session"})
    recording = b'{"segment_id":%d}\n' % segment + bytes(range(256))
    return [({"type": "replay_event"}, event), ({"type": "replay_recording"}, recording)]


def test_a_hundred_and_one_sessions_are_two_envelopes_p063(picketd, sentry):
    items = [({"type": "session"}, wire.compact(
        {"sid": f"{n:032x}", "started": "2026-01-01T00:00:00Z", "status": "ok", "init": True,
         "attrs": {"release": "a@1"}})) for n in range(101)]
    picketd.set("batch", max_items=1)
    picketd.write_conf()
    picketd.reload()
    picketd.send_ok(wire.build({}, items))
    picketd.wait_empty()
    got = sentry.items("session")
    assert sorted(i.payload for i in got) == sorted(p for _, p in items)
    assert sorted(len(e.items) for e in sentry.envelopes()) == [1, 100]
    assert picketd.delivered("session") == 101


def test_an_event_and_a_replay_are_two_envelopes_p065_p072(picketd, sentry):
    eid = wire.new_id()
    parts = [({"type": "event"}, wire.event_payload(eid))] + replay(eid) + \
        [({"type": "attachment", "filename": "a"}, b"\x00\r\n")]
    r = picketd.send(wire.build({"event_id": eid, "kept": [1]}, parts))
    assert r.status == 200 and r.json() == {"id": eid}
    picketd.wait_empty()
    kinds = sorted(e.types() for e in sentry.envelopes())
    assert kinds == [["event", "attachment"], ["replay_event", "replay_recording"]]
    for e in sentry.envelopes():
        assert e.event_id == eid and e.headers["kept"] == [1]
    assert sorted(i.payload for e in sentry.envelopes() for i in e.items) == \
        sorted(p for _, p in parts)


def test_two_log_items_never_share_an_envelope_p066(picketd, sentry):
    one = wire.logs_payload([{"body": "one"}])
    two = wire.logs_payload([{"body": "two"}])
    head = {"type": "log", "item_count": 1,
            "content_type": "application/vnd.sentry.items.log+json"}
    picketd.send_ok(wire.build({}, [(head, one), (head, two)]))
    picketd.wait_empty()
    assert all(e.types() == ["log"] for e in sentry.envelopes())
    assert picketd.delivered("log_item") == 2


def test_forty_attachments_stay_with_their_event(picketd, sentry):
    eid = wire.new_id()
    items = [({"type": "event"}, wire.event_payload(eid))] + \
        [({"type": "attachment", "filename": f"f{n}"}, b"%d" % n) for n in range(40)]
    picketd.send_ok(wire.build({"event_id": eid}, items))
    picketd.wait_empty()
    assert {e.event_id for e in sentry.envelopes()} == {eid}
    assert max(e.types().count("attachment") for e in sentry.envelopes()) <= 30
    assert len(sentry.items("attachment")) == 40 and len(sentry.items("event")) == 1


@pytest.mark.parametrize("kill", [False, True])
def test_all_pieces_are_on_disk_when_it_is_answered_p033(picketd, sentry, kill):
    sentry.down()
    eid = wire.new_id()
    parts = [({"type": "event"}, wire.event_payload(eid))] + replay(eid) + \
        [({"type": "check_in"}, b'{"check_in_id":"' + b"1" * 32 +
          b'","monitor_slug":"s","status":"ok"}')]
    assert picketd.send(wire.build({"event_id": eid}, parts)).status == 200
    if kill:
        picketd.kill9()
        picketd.start()
    assert picketd.held("error") == 1 and picketd.held("replay") == 1
    assert picketd.held("monitor") == 1
    sentry.up()
    picketd.wait_empty()
    assert sorted(i.payload for e in sentry.envelopes() for i in e.items
                  if i.type != "client_report") == sorted(p for _, p in parts)


def test_a_piece_that_finds_no_room_is_counted_and_the_rest_is_sent(make_daemon, sentry):
    """The event pushes an older one out; the replay is the least of all there is. A
    503 would have the client count, or repeat, an event that arrives."""
    d = make_daemon(sentry, {"spool": {"max_size": "1M"}})
    sentry.down()
    while not d.totals()["dropped"].get("cache_overflow"):
        d.send_ok(wire.event(pad=os.urandom(30000).hex()))
    eid = wire.new_id()
    parts = [({"type": "event"}, wire.event_payload(eid, pad=os.urandom(30000).hex()))]
    parts += [({"type": "replay_event"}, wire.compact({"replay_id": eid, "segment_id": 0})),
              ({"type": "replay_recording"}, b'{"segment_id":0}\n' + os.urandom(60000))]
    assert d.send(wire.build({"event_id": eid}, parts)).json() == {"id": eid}
    wait_until(lambda: d.dropped("cache_overflow", "replay") == 1, what="the count")
    d.check_conservation()
    sentry.up()
    d.wait_empty(30)
    assert eid in sentry.event_ids() and not sentry.items("replay_event")
    sentry.wait_for(lambda: sentry.discarded()["cache_overflow", "replay"] == 1, 20)
