"""P-087 to P-103: limits read, obeyed, counted and told on."""

import datetime
import email.utils

import pytest
import sentry_sdk.transport

import wire
from daemon import wait_until
from fake_sentry import Answer
from helpers import arrived, assert_error, limited, post, post_ok
from wire import OTHER_KEY


def one(kind, payload, **item):
    return wire.build({"event_id": wire.new_id()}, [({"type": kind, **item}, payload)])


SAMPLES = {
    "error": wire.event,
    "transaction": wire.transaction,
    "log": lambda: wire.logs(["x"]),
    "metric": lambda: wire.metrics(["m"]),
    "session": wire.session,
    "check_in": wire.check_in,
    "span": lambda: wire.build({}, [({"type": "span"}, b"{}")]),
    "statsd": lambda: wire.build({}, [({"type": "statsd"}, b"a@none:1|c|T1")]),
    "attachment": lambda: one("attachment", b"x"),
    "minidump": lambda: one("attachment", b"MDMP", attachment_type="event.minidump"),
    "feedback": lambda: one("feedback", b"{}"),
}
ERRORS = {"error", "minidump"}


def stopped(d):
    """The kinds that are answered 429."""
    out = set()
    for kind, sample in SAMPLES.items():
        r = post(d, sample())
        assert r.status in (200, 429), (kind, r)
        if r.status == 429:
            out.add(kind)
    return out


@pytest.fixture
def d(make_daemon, sentry):
    return make_daemon(sentry, {"spool": {"durability": "lazy"}})


def test_P087_limits_on_a_200_count(d, sentry):
    limited(d, sentry, "60:error:key")
    assert stopped(d) == ERRORS


def test_P088_three_limits_in_one_header(d, sentry):
    limited(d, sentry, "60:transaction:key, 2700:default;error;security:organization")
    assert stopped(d) == ERRORS | {"transaction"}
    told = post(d, wire.event()).header("x-sentry-rate-limits")
    wait = {c: int(seconds) for seconds, categories, *_ in (e.strip().split(":")
                                                            for e in told.split(","))
            for c in categories.split(";")}
    assert set(wait) == {"transaction", "default", "error", "security"}
    assert 50 <= wait["transaction"] <= 60
    assert all(2690 <= wait[c] <= 2700 for c in ("default", "error", "security"))


def test_P089_a_limit_on_everything_lets_reports_wait(d, sentry):
    limited(d, sentry, "2::organization")
    before = len(sentry.requests)
    post_ok(d, wire.client_report(quantity=7))
    assert post(d, wire.event()).status == 429
    assert len(sentry.requests) == before
    sentry.wait_for(lambda: sentry.discarded()["before_send", "error"] == 7, 20)


@pytest.mark.parametrize("value,want", [("60:foo;bar:organization", set()),
                                        ("60:foo;error:x:y:z:w", ERRORS)])
def test_P090_what_is_unknown_is_skipped(d, sentry, value, want):
    limited(d, sentry, value)
    assert stopped(d) == want


def test_P091_garbage_is_skipped(d, sentry):
    limited(d, sentry, ",,, abc, -5:error:key, x:transaction:key, 60:session:key, :::")
    assert stopped(d) == {"session"}


def test_P092_parts_of_seconds_are_rounded_up(d, sentry):
    limited(d, sentry, "58.1:log_item:key, 0.2:feedback:key")
    r = post(d, SAMPLES["log"]())
    assert r.status == 429 and int(r.header("retry-after")) in (58, 59)


def test_P093_a_shorter_limit_does_not_shorten(d, sentry):
    limited(d, sentry, "600:error:key")
    limited(d, sentry, "1:error:key")
    assert int(post(d, wire.event()).header("retry-after")) > 500


def test_P094_two_lines_are_one_list(d, sentry):
    limited(d, sentry, "60:session:key", "60:monitor:project")
    assert stopped(d) == {"session", "check_in"}


@pytest.mark.parametrize("given,least,most", [("120", 100, 120), ("DATE", 90, 120),
                                              (None, 50, 60), ("soon", 50, 60)])
def test_P095_a_429_without_limits(d, sentry, given, least, most):
    if given == "DATE":
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=120)
        given = email.utils.format_datetime(when, usegmt=True)
    sentry.script(Answer(429, headers=(("Retry-After", given),) if given else ()), times=1)
    d.send_event()
    d.wait_empty()
    for body in (wire.event(), wire.session(), wire.logs(["x"])):
        r = post(d, body)
        assert r.status == 429
        assert least <= int(r.header("retry-after")) <= most


def test_P096_a_limit_is_one_dsns(make_daemon, sentry):
    d = make_daemon(sentry, {"project web": {"key": "web", "dsn": sentry.dsn_for(OTHER_KEY, "9")}})
    limited(d, sentry, "60:error:key")
    assert post(d, wire.event()).status == 429
    sentry.wait_event(d.send_event(key="web"))


@pytest.mark.parametrize("category,want", [
    ("log_byte", {"log"}), ("trace_metric_byte", {"metric"}), ("attachment_item", {"attachment"}),
    ("span_indexed", set())])
def test_P097_categories_and_what_they_stop(d, sentry, category, want):
    limited(d, sentry, f"60:{category}:key")
    assert stopped(d) == want


def test_P098_what_an_error_limit_and_an_attachment_limit_take(d, sentry):
    limited(d, sentry, "60:attachment:key")
    eid = wire.new_id()
    event = ({"type": "event"}, wire.event_payload(eid))
    plain = ({"type": "attachment"}, b"12345")
    dump = ({"type": "attachment", "attachment_type": "event.minidump"}, b"MDMP")
    post_ok(d, wire.build({"event_id": eid}, [event, plain, dump]))
    got = sentry.wait_event(eid).envelope
    assert [i.payload for i in got.of_type("attachment")] == [b"MDMP"]

    limited(d, sentry, "60:error:key")
    mark = wire.new_id()
    post_ok(d, wire.build({"event_id": wire.new_id()}, [
        ({"type": "event"}, b"{}"), plain, dump,
        ({"type": "session"}, wire.compact({"sid": mark}))]))
    assert {i.type for i in arrived(sentry, mark).envelope.items} <= {"session", "client_report"}


@pytest.mark.parametrize("namespaces,want", [("custom", {"statsd"}), ("spans", set()),
                                             ("spans;custom", {"statsd"})])
def test_P099_namespaces_of_metric_buckets(d, sentry, namespaces, want):
    limited(d, sentry, f"60:metric_bucket:organization:quota:{namespaces}")
    assert stopped(d) == want


def test_P100_what_an_sdk_reads_from_a_429(d, sentry):
    limited(d, sentry, "59.5:error;transaction:organization:quota_exceeded, 0.1:session:key,"
                       "60:metric_bucket:key:r:custom")
    r = post(d, wire.event())
    assert_error(r, 429)
    assert int(r.header("retry-after")) >= 1
    # The function every sentry-python uses; it raises nothing and skips nothing.
    read = list(sentry_sdk.transport._parse_rate_limits(r.header("x-sentry-rate-limits")))
    told = [e.strip().split(":") for e in r.header("x-sentry-rate-limits").split(",")]
    assert all(int(e[0]) >= 1 for e in told)
    assert len(read) == sum(len(e[1].split(";")) for e in told)
    assert {"error", "transaction"} <= {category for category, _ in read}


def test_P101_limited_in_part(d, sentry):
    limited(d, sentry, "60:error:key")
    mark = wire.new_id()
    r = post_ok(d, wire.build({"event_id": wire.new_id()}, [
        ({"type": "event"}, b"{}"), ({"type": "session"}, wire.compact({"sid": mark}))]))
    assert "error" in r.header("x-sentry-rate-limits")
    assert not arrived(sentry, mark).envelope.of_type("event")


def test_P103_what_a_limit_drops_is_counted(d, sentry):
    limited(d, sentry, "60:error;transaction;log_item;session:key")
    logs = wire.logs(["a", "b", "c"])
    size = len(logs.split(b"\n")[2])
    for body in (wire.transaction(spans=2), logs, wire.build({"event_id": wire.new_id()}, [
            ({"type": "event"}, b"{}"), ({"type": "attachment"}, b"12345")])):
        assert post(d, body).status == 429
    want = {"error": 1, "attachment": 5, "attachment_item": 1, "transaction": 1, "span": 3,
            "log_item": 3, "log_byte": size}
    wait_until(lambda: all(d.dropped("ratelimit_backoff", c) == n for c, n in want.items()),
               what="the counts")
    sentry.wait_for(lambda: all(sentry.discarded()["ratelimit_backoff", c] == n
                                for c, n in want.items()), 20)
