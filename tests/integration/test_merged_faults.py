"""Faults of requests that carry several envelopes: what was merged is taken apart,
repeated, limited and counted as its parts are."""

import collections

import pytest

import wire
from daemon import wait_until
from fake_sentry import Answer

QUICK = {"batch": {"window": "50ms"}, "upstream": {"connections": 1, "http2": "no",
                                                   "compression": "gzip"}}


def log(text):
    return wire.logs([text])


def texts(request):
    """Bodies of the log entries of a request."""
    if request.envelope is None:
        return []
    return [e["body"] for i in request.envelope.of_type("log") for e in i.json()["items"]]


def is_merged(request):
    return len(texts(request)) > 1


def arrived(sentry):
    return collections.Counter(t for r in sentry.accepted() for t in texts(r))


class Held:
    """What is sent inside leaves together at the end."""

    def __init__(self, d):
        self.d = d

    def __enter__(self):
        assert self.d.cli("hold").returncode == 0

    def __exit__(self, *exc):
        assert self.d.cli("release").returncode == 0


def send_logs(d, n, prefix="line"):
    names = [f"{prefix} {k}" for k in range(n)]
    with Held(d):
        for name in names:
            d.send_ok(log(name))
    return names


def none_dropped(d):
    return not any(n for by in d.totals()["dropped"].values() for n in by.values())


def test_413_to_a_merged_request_sends_its_parts_alone(make_daemon, sentry):
    d = make_daemon(sentry, QUICK)
    sentry.script(Answer(413), when=is_merged)
    names = send_logs(d, 12)
    d.wait_empty()
    assert any(is_merged(r) for r in sentry.requests), "nothing was merged to begin with"
    assert arrived(sentry) == collections.Counter(names), "each once"
    assert d.delivered("log_item") == 12 and none_dropped(d)
    assert sentry.discarded() == {}


def test_413_to_one_part_costs_that_part_only(make_daemon, sentry):
    d = make_daemon(sentry, QUICK)
    sentry.script(Answer(413), when=lambda r: "bad 0" in texts(r))
    with Held(d):
        for name in ("a", "bad 0", "b"):
            d.send_ok(log(name))
    d.wait_empty()
    assert arrived(sentry) == collections.Counter(["a", "b"])
    assert d.dropped("send_error", "log_item") == 1 and d.delivered("log_item") == 2
    sentry.wait_for(lambda: sentry.discarded()["send_error", "log_item"] == 1, 20)


@pytest.mark.parametrize("status", [400, 405, 500])
def test_a_refusal_of_a_merged_request_costs_no_more_than_its_parts(make_daemon, sentry, status):
    """Whether they are tried alone is for the daemon to decide; none is lost in
    silence and none arrives twice."""
    d = make_daemon(sentry, {**QUICK, "retry": {"min": "10ms", "max": "20ms"}})
    sentry.script(Answer(status), when=is_merged)
    send_logs(d, 8)
    d.wait_empty(30)
    got = arrived(sentry)
    assert all(n == 1 for n in got.values())
    assert d.delivered("log_item") == len(got)
    assert d.dropped("send_error", "log_item") == 8 - len(got)


@pytest.mark.parametrize("how", ["reset", "close", "truncated"])
def test_a_merged_request_without_an_answer_is_repeated(make_daemon, sentry, how):
    d = make_daemon(sentry, QUICK)
    sentry.script(Answer(how=how), times=3, when=lambda r: texts(r))
    names = send_logs(d, 10)
    d.wait_empty()
    assert arrived(sentry) == collections.Counter(names)
    assert d.delivered("log_item") == 10 and none_dropped(d)


def test_503_to_a_merged_request_is_repeated(make_daemon, sentry):
    d = make_daemon(sentry, QUICK)
    sentry.script(Answer(503), times=3, when=lambda r: texts(r))
    names = send_logs(d, 10)
    d.wait_empty()
    assert arrived(sentry) == collections.Counter(names) and none_dropped(d)


def test_429_to_a_merged_request_is_final(make_daemon, sentry):
    d = make_daemon(sentry, QUICK)
    sentry.script(Answer(429, headers=(("X-Sentry-Rate-Limits", "60:session:key"),)), times=1,
                  when=is_merged)
    names = send_logs(d, 6)
    d.wait_empty()
    later = send_logs(d, 3, "later")
    d.wait_empty()
    asked = collections.Counter(t for r in sentry.requests for t in texts(r))
    assert asked == collections.Counter(names + later), "nothing is asked twice"
    assert arrived(sentry)["later 0"] == 1
    assert sentry.discarded() == {}


def test_kill_9_between_answer_and_settlement_loses_no_log(make_daemon, sentry):
    """Sentry has taken a merged request, the daemon dies before it hears of it."""
    d = make_daemon(sentry, QUICK)
    names, ids = [], []
    for k in range(4):
        gate = sentry.gate()
        sentry.script(Answer(gate=gate), times=1, when=is_merged)
        with Held(d):
            for n in range(6):
                names.append(f"round {k} line {n}")
                d.send_ok(log(names[-1]))
            ids.append(d.send_event())
        sentry.wait_event(ids[-1])
        sentry.wait_for(lambda: sentry.rules[-1][1] == 0)
        # The event was answered before the logs were asked for.
        wait_until(lambda: d.held("error") == 0, what="the event's settlement")
        d.kill9()
        gate.set()
        d.start()
        d.wait_empty()
    got = arrived(sentry)
    assert set(got) == set(names)
    assert max(got.values()) <= 2, "once for the daemon that died, once for the next"
    assert collections.Counter(sentry.event_ids()) == collections.Counter(ids)
    assert d.delivered("log_item") == len(names)


def test_a_limit_that_comes_in_mid_batch_stops_the_rest(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "batch": {"window": "50ms", "max_items": "4"}})
    sentry.script(Answer(200, headers=(("X-Sentry-Rate-Limits", "60:log_item:key"),)), times=1,
                  when=lambda r: texts(r))
    with Held(d):
        for n in range(12):
            d.send_ok(log(f"line {n}"))
        d.send_ok(wire.session())
        d.send_ok(wire.metrics(["m"]))
    d.wait_empty()
    got = arrived(sentry)
    assert 0 < len(got) <= 4 and all(n == 1 for n in got.values())
    assert d.delivered("log_item") == len(got)
    assert d.dropped("ratelimit_backoff", "log_item") == 12 - len(got)
    assert len(sentry.items("session")) == len(sentry.items("trace_metric")) == 1
    sentry.wait_for(lambda: sentry.discarded()["ratelimit_backoff", "log_item"] == 12 - len(got),
                    20)


def test_a_limit_that_comes_between_repetitions_stops_the_merged_request(make_daemon, sentry):
    d = make_daemon(sentry, QUICK)
    sentry.script(Answer(503, headers=(("X-Sentry-Rate-Limits", "60:log_item:key"),)), times=1,
                  when=is_merged)
    send_logs(d, 5)
    d.wait_empty()
    assert not arrived(sentry)
    assert d.dropped("ratelimit_backoff", "log_item") == 5
    assert d.delivered("log_item") == 0


def test_a_limit_held_lets_the_batch_wait(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "batch": {"window": "50ms", "max_items": "4"},
                             "spool": {"when_limited": "hold"}})
    sentry.script(Answer(200, headers=(("X-Sentry-Rate-Limits", "2:log_item:key"),)), times=1,
                  when=lambda r: texts(r))
    names = send_logs(d, 10)
    sentry.wait_for(lambda: arrived(sentry))
    d.send_ok(wire.metrics(["m"]))
    sentry.wait_for(lambda: sentry.items("trace_metric"))
    d.wait_empty(30)
    assert arrived(sentry) == collections.Counter(names) and none_dropped(d)


def test_a_damaged_record_does_not_cost_its_neighbours(make_daemon, sentry):
    """One log is refused by the reader of records; those beside it go on."""
    d = make_daemon(sentry, QUICK)
    assert d.cli("hold").returncode == 0
    marks = [wire.new_id() for _ in range(5)]
    for mark in marks:
        d.send_ok(wire.build({"x_mark": "same"}, [(
            {"type": "log", "item_count": 1, "content_type": wire.LOG_TYPE},
            wire.compact({"items": [{"body": mark}]}))]))
    d.kill9()
    data = next(p for p in d.spool.rglob("*.mdb") if "lock" not in p.name)
    raw = data.read_bytes()
    assert marks[2].encode() in raw, "records as small as these are stored in the clear"
    # In every copy: pages that are not used any more may hold one, too.
    data.write_bytes(raw.replace(marks[2].encode(), b"z" * 32))
    d.start()
    assert d.cli("release").returncode == 0
    d.wait_empty()
    assert arrived(sentry) == collections.Counter(m for m in marks if m != marks[2])
    assert d.dropped("internal_sdk_error", "log_item") == 1
    d.check_conservation()
