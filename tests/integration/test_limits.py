"""Rate limits: read from upstream in full, obeyed, persisted, told to clients
(protocol 12, 13)."""

import datetime
import email.utils

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer
from wire import OTHER_KEY

SPAN = wire.build({}, [({"type": "span"}, b'{"span_id":"1234567890abcdef"}')])
STATSD = wire.build({}, [({"type": "statsd"}, b"a@none:1|c|#x:y|T1\n")])


def attachment(kind=None, head=None):
    item = {"type": "attachment", "filename": "f"}
    if kind:
        item["attachment_type"] = kind
    return wire.build({"event_id": wire.new_id(), **(head or {})}, [(item, b"MDMP....")])


def sample(kind):
    return {"error": wire.event, "transaction": wire.transaction,
            "log": lambda: wire.logs(["x"]), "metric": lambda: wire.metrics(["m"]),
            "session": wire.session, "check_in": wire.check_in, "span": lambda: SPAN,
            "statsd": lambda: STATSD, "attachment": attachment,
            "minidump": lambda: attachment("event.minidump"),
            "report": wire.client_report,
            "feedback": lambda: wire.build({"event_id": wire.new_id()},
                                           [({"type": "feedback"}, b"{}")])}[kind]()


KINDS = ["error", "transaction", "log", "metric", "session", "check_in", "span", "statsd",
         "attachment", "minidump", "feedback"]


def limit(d, sentry, *values, status=200, extra=()):
    """Makes the upstream announce limits on its next answer."""
    headers = tuple(("X-Sentry-Rate-Limits", v) for v in values) + tuple(extra)
    sentry.script(Answer(status, headers=headers), times=1)
    seen = len(sentry.requests)
    d.send_ok(wire.build({}, [({"type": "carries_nothing"}, b"x")]))
    sentry.wait_requests(seen + 1)
    d.wait_empty()


def stopped(d, kinds=KINDS):
    """The kinds that are answered 429 now."""
    out = set()
    for kind in kinds:
        r = d.send(sample(kind))
        assert r.status in (200, 429), (kind, r)
        if r.status == 429:
            out.add(kind)
            check_429(r)
    return out


def check_429(r):
    """P-100: what sentry-python can read: integers of at least 1."""
    assert r.json()["detail"] and r.header("x-sentry-error")
    assert int(r.header("retry-after")) >= 1
    for entry in r.header("x-sentry-rate-limits").split(","):
        seconds, categories, scope = entry.strip().split(":")[:3]
        assert int(seconds) >= 1
        assert scope in ("organization", "project", "key")
        assert all(c == c.strip() for c in categories.split(";"))


@pytest.mark.parametrize("values,want", [
    (["60:error:key"], {"error", "minidump"}),
    (["60:transaction:key, 2700:default;error;security:organization"],
     {"transaction", "error", "minidump"}),
    (["60::organization"], set(KINDS)),
    (["60:foo;bar:organization"], set()),
    (["60:foo;error:x:y:z:w"], {"error", "minidump"}),
    (["abc, -5:error:key, ,,, x:y, 60:session:key"], {"session"}),
    (["60:session:key", "60:monitor:project"], {"session", "check_in"}),
    (["59.2:log_item:key"], {"log"}),
    (["60:log_byte:key"], {"log"}),
    (["60:trace_metric:key"], {"metric"}),
    (["60:trace_metric_byte:key"], {"metric"}),
    (["60:attachment_item:key"], {"attachment"}),
    (["60:attachment:key"], {"attachment"}),
    (["60:span_indexed;transaction_indexed;profile_indexed:key"], set()),
    (["60:span:key"], {"span"}),
    (["60:feedback:key"], {"feedback"}),
    (["60:user_report_v2:key"], {"feedback"}),
    (["60:metric_bucket:organization:quota:custom"], {"statsd"}),
    (["60:metric_bucket:organization::custom;spans"], {"statsd"}),
    (["60:metric_bucket:organization::spans"], set()),
    (["60:metric_bucket:organization"], {"statsd"}),
    (["60: error ; session :key"], {"error", "minidump", "session"}),
    (["0:error:key"], set()),
], ids=lambda v: v[0] if isinstance(v, list) else "")
def test_limits_stop_their_gates_and_nothing_else_p087_to_p099(picketd, sentry, values, want):
    limit(picketd, sentry, *values)
    assert stopped(picketd) == want
    picketd.wait_empty()


@pytest.mark.parametrize("retry_after,least,most", [
    ("120", 100, 120), ("DATE", 90, 120), (None, 50, 60), ("nonsense", 50, 60),
    ("1.5", 1, 2), ("999999999", 86000, 86400)])
def test_429_without_limits_stops_everything_p095(picketd, sentry, retry_after, least, most):
    if retry_after == "DATE":
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=120)
        retry_after = email.utils.format_datetime(when, usegmt=True)
    extra = (("Retry-After", retry_after),) if retry_after else ()
    limit(picketd, sentry, status=429, extra=extra)
    r = picketd.send(wire.event())
    assert r.status == 429
    check_429(r)
    assert least <= int(r.header("retry-after")) <= most
    assert picketd.send(wire.session()).status == 429


def test_retry_after_is_ignored_beside_limits(picketd, sentry):
    limit(picketd, sentry, "60:session:key", status=429, extra=(("Retry-After", "77"),))
    assert stopped(picketd, ["error", "session", "log"]) == {"session"}


def test_a_shorter_limit_does_not_shorten_p093(picketd, sentry):
    limit(picketd, sentry, "600:error:key")
    limit(picketd, sentry, "1:error:key")
    r = picketd.send(wire.event())
    assert r.status == 429 and int(r.header("retry-after")) > 500


def test_limits_are_per_dsn_p096(make_daemon, make_sentry, sentry):
    d = make_daemon(sentry, {"project web": {"key": "web", "dsn": sentry.dsn_for(OTHER_KEY, "9")}})
    limit(d, sentry, "60:error:key")
    assert d.send(wire.event()).status == 429
    sentry.wait_event(d.send_event(key="web"))


def test_partly_limited_is_200_with_the_header_p101(picketd, sentry):
    limit(picketd, sentry, "60:error:key:quota_exceeded")
    body = wire.build({"event_id": wire.new_id()}, [
        ({"type": "event"}, b"{}"), ({"type": "attachment"}, b"12345"),
        ({"type": "session"}, b'{"started":"2026-01-01T00:00:00Z"}')])
    r = picketd.send(body)
    assert r.status == 200, r
    assert "error" in r.header("x-sentry-rate-limits")
    assert "quota_exceeded" in r.header("x-sentry-rate-limits")
    sentry.wait_for(lambda: sentry.items("session"))
    assert not sentry.items("event") and not sentry.items("attachment"), "P-098"
    # Counted with the next commit, both sides of the law at once.
    wait_until(lambda: picketd.dropped("ratelimit_backoff", "error") == 1, what="the count")
    assert picketd.dropped("ratelimit_backoff", "attachment") == 5
    sentry.wait_for(lambda: sentry.discarded()["ratelimit_backoff", "error"] == 1, 20)


def test_an_attachment_limit_lets_the_event_pass(picketd, sentry):
    limit(picketd, sentry, "60:attachment:key")
    eid = wire.new_id()
    body = wire.build({"event_id": eid}, [
        ({"type": "event"}, wire.event_payload(eid)), ({"type": "attachment"}, b"12345"),
        ({"type": "attachment", "attachment_type": "event.minidump"}, b"MDMP")])
    assert picketd.send(body).status == 200
    got = sentry.wait_event(eid).envelope
    assert [(i.type, i.payload) for i in got.items if i.type == "attachment"] == [
        ("attachment", b"MDMP")]


def test_what_a_limit_drops_is_counted_with_its_quantities_p103(picketd, sentry):
    limit(picketd, sentry, "60:transaction;log_item:key")
    assert picketd.send(wire.transaction(spans=2)).status == 429
    body = wire.logs(["a", "b", "c"])
    assert picketd.send(body).status == 429
    wait_until(lambda: picketd.dropped("ratelimit_backoff", "log_item") == 3, what="the count")
    dropped = picketd.totals()["dropped"]["ratelimit_backoff"]
    assert dropped["transaction"] == 1 and dropped["span"] == 3
    assert dropped["log_item"] == 3 and dropped["log_byte"] > 0
    want = {("ratelimit_backoff", c): n for c, n in dropped.items()
            if c in ("transaction", "span", "log_item", "log_byte")}
    sentry.wait_for(lambda: all(sentry.discarded()[k] == n for k, n in want.items()), 20)


def test_what_is_spooled_already_is_dropped_at_send_time(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"connections": 1, "http2": "no"}})
    gate = sentry.gate()
    sentry.script(Answer(200, headers=(("X-Sentry-Rate-Limits", "60:error:key"),), gate=gate),
                  times=1)
    first = d.send_event()
    sentry.wait_for(lambda: sentry.rules[0][1] == 0)
    for _ in range(5):
        d.send_event()
    d.send_ok(wire.session())
    gate.set()
    d.wait_empty()
    assert d.dropped("ratelimit_backoff", "error") == 5
    assert sentry.event_ids() == [first]
    assert sentry.items("session")


def test_client_reports_wait_under_an_all_limit_p089(picketd, sentry):
    limit(picketd, sentry, "2::organization")
    before = len(sentry.requests)
    assert picketd.send(wire.client_report(quantity=7)).status == 200
    assert picketd.send(wire.event()).status == 429
    assert len(sentry.requests) == before
    sentry.wait_for(lambda: sentry.discarded()["before_send", "error"] == 7, 20)


def test_limits_end(picketd, sentry):
    limit(picketd, sentry, "1:error:key")
    assert picketd.send(wire.event()).status == 429
    wait_until(lambda: picketd.send(wire.event()).status == 200, 10, "end of the limit", 0.1)


def test_limits_survive_a_restart(picketd, sentry):
    limit(picketd, sentry, "600:error:key")
    picketd.kill9()
    picketd.start()
    r = picketd.send(wire.event())
    assert r.status == 429 and 500 < int(r.header("retry-after")) <= 600
    assert picketd.send(wire.session()).status == 200


def test_held_data_waits_and_clients_are_not_told(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"when_limited": "hold"}})
    limit(d, sentry, "2:error:key")
    eid = d.send_event()
    d.send_ok(wire.session())
    sentry.wait_for(lambda: sentry.items("session"))
    assert d.held("error") == 1 and eid not in sentry.event_ids()
    sentry.wait_event(eid)
    assert not any(d.totals()["dropped"].values())


def test_clients_are_not_told_without_propagation(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"propagate_limits": "no"}})
    limit(d, sentry, "60:error:key")
    r = d.send(wire.event())
    assert r.status == 200 and r.header("x-sentry-rate-limits") is None
    wait_until(lambda: d.dropped("ratelimit_backoff", "error") == 1, 10, "the drop")


def test_raw_clients_are_told_too(picketd, sentry):
    limit(picketd, sentry, "60:error:key")
    answer = client.raw_envelope(picketd.unix, wire.event(headers={"dsn": picketd.dsn()}))
    assert answer["status"] == 429
