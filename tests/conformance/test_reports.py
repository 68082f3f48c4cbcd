"""P-119 to P-124: what is told of losses, when, and that it is told once."""

import time

import pytest

import wire
from daemon import wait_until
from fake_sentry import Answer
from helpers import AUTH, PATH, limited, post, post_ok

GZIP = {"upstream": {"compression": "gzip"}}
NEVER = {"reports": {"interval": "1h"}}
EVENTS = (lambda r: r.envelope and r.envelope.of_type("event"))
REPORTS = (lambda r: r.envelope and r.envelope.of_type("client_report"))


def lose_one(d, sentry):
    """One error that Sentry refuses for good."""
    before = d.dropped("send_error", "error")
    sentry.script(Answer(405), times=1, when=EVENTS)
    d.send_event()
    wait_until(lambda: d.dropped("send_error", "error") == before + 1, what="the loss")
    d.wait_empty()


def test_P119_quantities_of_losses(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "100ms"}})
    limited(d, sentry, "60:transaction;log_item:key")
    post(d, wire.transaction(spans=2))
    texts = ["x" * 20] * 5
    bare = len(wire.logs_payload(texts))
    logs = wire.logs_payload(texts[:4] + ["x" * (20 + 700 - bare)])
    assert len(logs) == 700
    head = {"type": "log", "item_count": 5, "content_type": wire.LOG_TYPE}
    post(d, wire.build({}, [(head, logs)]))
    want = {"transaction": 1, "span": 3, "log_item": 5, "log_byte": 700}
    sentry.wait_for(lambda: all(sentry.discarded()["ratelimit_backoff", c] == n
                                for c, n in want.items()))


def test_P119_a_sampled_transaction_counts_its_spans(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "100ms"}, "sampling": {"transactions": "0"}})
    post_ok(d, wire.transaction(spans=2))
    sentry.wait_for(lambda: sentry.discarded())
    assert sentry.discarded() == {("sample_rate", "transaction"): 1, ("sample_rate", "span"): 3}


def test_P120_losses_travel_with_the_next_envelope(make_daemon, sentry):
    d = make_daemon(sentry, {**GZIP, **NEVER})
    lose_one(d, sentry)
    eid = d.send_event()
    got = sentry.wait_event(eid).envelope
    assert sorted(got.types()) == ["client_report", "event"]
    assert sentry.discarded() == {("send_error", "error"): 1}


def test_P120_losses_travel_alone_when_nothing_comes(make_daemon, sentry):
    d = make_daemon(sentry, {**GZIP, "reports": {"interval": "200ms"}})
    lose_one(d, sentry)
    sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] == 1)
    assert [r.envelope.types() for r in sentry.accepted()] == [["client_report"]]


def test_P120_losses_are_told_at_the_end(make_daemon, sentry):
    d = make_daemon(sentry, {**GZIP, **NEVER})
    lose_one(d, sentry)
    assert d.terminate() == 0
    sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] == 1)


def test_P121_a_report_without_an_answer_is_told_again(make_daemon, sentry):
    d = make_daemon(sentry, {**GZIP, "reports": {"interval": "200ms"}})
    sentry.script(Answer(how="reset"), times=2, when=REPORTS)
    lose_one(d, sentry)
    sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] == 1, 20)
    later = d.send_event()
    sentry.wait_event(later)
    assert sentry.discarded() == {("send_error", "error"): 1}


@pytest.mark.parametrize("status", [405, 500])
def test_P121_an_answered_report_is_told_once(make_daemon, sentry, status):
    d = make_daemon(sentry, {**GZIP, "reports": {"interval": "200ms"},
                             "retry": {"min": "10ms", "max": "20ms"}})
    sentry.script(Answer(status), times=1, when=REPORTS)
    lose_one(d, sentry)
    sentry.wait_for(lambda: any(REPORTS(r) for r in sentry.requests))
    later = d.send_event()
    sentry.wait_event(later)
    assert sentry.discarded() == {}


def test_P122_own_reasons_are_known_and_foreign_lists_pass(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "100ms"}})
    foreign = {"timestamp": time.time() - 5,
               "discarded_events": [{"reason": "before_send", "category": "error", "quantity": 2}],
               "rate_limited_events": [{"reason": "x", "category": "error", "quantity": 3}],
               "filtered_events": [{"reason": "browser-extensions", "category": "error",
                                    "quantity": 4}],
               "filtered_sampling_events": [{"reason": "Sampled:5", "category": "error",
                                             "quantity": 5}]}
    post_ok(d, wire.build({}, [({"type": "client_report"}, wire.compact(foreign))]))
    limited(d, sentry, "60:session:key")
    post(d, wire.session())
    sentry.wait_for(lambda: sentry.discarded()["ratelimit_backoff", "session"] == 1)
    d.wait_empty()
    bodies = [i.json() for i in sentry.items("client_report")]
    for name in foreign:
        if name != "timestamp":
            total = [e for b in bodies for e in b.get(name, []) if e["category"] == "error"]
            assert total == foreign[name]
    for body in bodies:
        assert all(e["reason"] in wire.REASONS for e in body.get("discarded_events", []))
        if any(e["reason"] == "ratelimit_backoff" for e in body.get("discarded_events", [])):
            assert set(body) == {"timestamp", "discarded_events"}


def test_P123_what_is_refused_at_intake_is_the_clients(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "100ms"}})
    for body, headers, path in ((b"broken", [AUTH], PATH), (wire.event(), [], PATH),
                                (wire.event(), [AUTH], "/nowhere/"),
                                (wire.event_of_size(wire.MIB + 1), [AUTH], PATH),
                                (wire.event(), [AUTH, ("Content-Encoding", "x")], PATH)):
        assert 400 <= post(d, body, headers, path).status < 500
    assert d.totals()["received"] == {} and not any(d.totals()["dropped"].values())
    sentry.wait_event(d.send_event())
    assert sentry.discarded() == {}


def test_P124_the_time_of_a_report(make_daemon, sentry):
    d = make_daemon(sentry, NEVER)
    limited(d, sentry, "60:session:key")
    before = time.time()
    assert post(d, wire.session()).status == 429
    wait_until(lambda: d.dropped("ratelimit_backoff", "session") == 1, what="the loss")
    lost = time.time()
    assert post(d, wire.session()).status == 429
    wait_until(lambda: d.dropped("ratelimit_backoff", "session") == 2, what="the loss")
    sentry.wait_event(d.send_event())
    report = sentry.items("client_report")[0].json()
    # The earliest of what is summed up in this hour, in whole seconds at least.
    assert before - 1 <= report["timestamp"] <= lost
    assert sentry.discarded() == {("ratelimit_backoff", "session"): 2}
