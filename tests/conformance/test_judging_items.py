"""T17 to T22: what goes together with what is dropped."""

import json
import random

import wire
from daemon import wait_until
from helpers import QUICK, post_ok
from judging import dsc, event, exception, ids_of, kept, last_56_bits, sampler, transaction

CRASH = {"level": "fatal", "exception": exception(("SIGSEGV", "x"), mechanism={"handled": False})}


def test_T017_a_late_attachment_of_a_dropped_event_goes_too(make_daemon, sentry):
    d = sampler(make_daemon, sentry, errors="0")
    body = event()
    assert kept(d, sentry, [body]) == {}
    post_ok(d, wire.build({"event_id": ids_of(body)},
                          [({"type": "attachment", "filename": "late"}, b"12345")]))
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "attachment"] == 5)
    assert sentry.items("attachment") == []


def test_T018_a_crash_survives_rate_0_unless_told(make_daemon, make_sentry):
    for told, survives in ((None, True), ("no", False)):
        s = make_sentry()
        d = sampler(make_daemon, s, errors="0", never_sample_crashes=told)
        crash, handled = event(**CRASH), event(level="fatal", exception=exception(("E", "x")))
        assert set(kept(d, s, [crash, handled])) == ({ids_of(crash)} if survives else set())


def profiled(trace):
    return transaction(trace, rest=[({"type": "profile", "platform": "python"}, b'{"version":"1"}')])


def test_T019_a_profile_goes_with_its_transaction_and_never_the_other_way(make_daemon, make_sentry):
    for rates, types in (({"transactions": "0"}, []), ({"profiles": "0"}, ["transaction"])):
        s = make_sentry()
        d = sampler(make_daemon, s, **rates)
        body = profiled(wire.new_id())
        got = kept(d, s, [body])
        assert [t for e in got.values() for t in e.types() if t != "client_report"] == types
        wait_until(lambda d=d: d.dropped("sample_rate", "profile") == 1, what="the count")


def test_T019_half_of_the_kept_keep_their_profile_whatever_their_number(make_daemon, sentry):
    d = sampler(make_daemon, sentry, transactions="0.8", profiles="0.5")
    rng = random.Random(19)
    traces = [f"{rng.getrandbits(128):032x}" for _ in range(400)]
    bodies = [profiled(t) for t in traces]
    got = kept(d, sentry, bodies)
    with_profile = [t for t, b in zip(traces, bodies)
                    if ids_of(b) in got and got[ids_of(b)].of_type("profile")]
    assert abs(len(with_profile) / len(got) - 0.5) < 0.1
    low = sum(last_56_bits(t) < 0.4 for t in with_profile)
    assert abs(low / len(with_profile) - 0.5) < 0.15


def test_T020_chunks_of_a_profiler_share_one_fate_and_keep_their_headers(make_daemon, sentry):
    d = sampler(make_daemon, sentry, profile_sessions="0.5")
    rng = random.Random(20)
    profilers = [f"{rng.getrandbits(128):032x}" for _ in range(24)]
    for n in range(3):
        for pid in profilers:
            post_ok(d, wire.build({}, [({"type": "profile_chunk", "platform": "python", "odd": n},
                                        wire.compact({"profiler_id": pid, "chunk_id": n}))]))
    d.wait_empty()
    arrived = [(i.json()["profiler_id"], i.headers["odd"]) for i in sentry.items("profile_chunk")]
    assert all(i.headers["platform"] == "python" for i in sentry.items("profile_chunk"))
    survivors = {pid for pid, _ in arrived}
    assert sorted(arrived) == sorted((pid, n) for pid in survivors for n in range(3))
    assert 4 < len(survivors) < 20


def test_T021_event_and_recording_share_one_fate(make_daemon, sentry):
    """Also when they come apart."""
    d = sampler(make_daemon, sentry, replays="0.5")
    rng = random.Random(21)
    replays = [f"{rng.getrandbits(128):032x}" for _ in range(24)]
    for rid in replays:
        about = wire.compact({"replay_id": rid, "event_id": rid, "segment_id": 0})
        post_ok(d, wire.build({"event_id": rid}, [
            ({"type": "replay_event"}, about),
            ({"type": "replay_recording"}, b'{"segment_id":0}\n[]')]))
        post_ok(d, wire.build({"event_id": rid},
                              [({"type": "replay_recording"}, b'{"segment_id":1}\n[]')]))
    d.wait_empty()
    fates = {rid: sorted(t for e in sentry.envelopes() if e.event_id == rid for t in e.types()
                         if t != "client_report") for rid in replays}
    assert {tuple(f) for f in fates.values()} == \
        {(), ("replay_event", "replay_recording", "replay_recording")}


def test_T022_a_container_that_lost_entries_is_right(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "rule a": {
        "on": "log", "when": 'body startswith "drop"', "then": "drop"}})
    texts = [f"{'drop' if n in (2, 5, 9) else 'keep'} {n}" for n in range(10)]
    post_ok(d, wire.logs(texts))
    d.wait_empty()
    (item,) = sentry.items("log")
    assert item.headers["item_count"] == 7 and item.headers["length"] == len(item.payload)
    assert [e["body"] for e in item.json()["items"]] == [t for t in texts if t[0] == "k"]
    sentry.wait_for(lambda: sentry.discarded()["before_send", "log_item"] == 3)
    assert sentry.discarded()["before_send", "log_byte"] > 0


def test_T022_a_container_without_entries_is_not_sent(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "rule a": {"on": "log", "then": "drop"}})
    post_ok(d, wire.logs(["a", "b"]))
    sentry.wait_for(lambda: sentry.discarded()["before_send", "log_item"] == 2)
    assert sentry.items("log") == []
