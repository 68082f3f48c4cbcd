"""T41 to T45, T60 to T62 and T100: repetitions, defaults, reports, what is unknown."""

import json

import pytest

import wire
from daemon import wait_until
from fake_sentry import Answer
from helpers import QUICK, arrived, post, post_ok
from judging import dropped_by, event, exception, ids_of, kept, passed, transaction


def at_line(n, **more):
    return event(exception=exception(
        ("E", "x"), stacktrace={"frames": [{"filename": "f.c", "function": "f", "lineno": n}]}),
        **more)


def test_T041_an_equal_error_goes_and_another_stays(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "dedupe": {"window": "1h"}})
    first, same = at_line(1), at_line(1)
    other_line, other_print = at_line(2), at_line(2, fingerprint=["other"])
    got = kept(d, sentry, [first, same, other_line, other_print])
    assert set(got) == {ids_of(b) for b in (first, other_line, other_print)}
    assert dropped_by(d, ids_of(same)) == ("event_processor", "dedupe")


def test_T042_one_id_twice_is_one_event_upstream(make_daemon, sentry):
    """While the first waits in the spool, and after it was sent."""
    d = make_daemon(sentry, {**QUICK, "dedupe": {"window": "1h"}})
    sentry.down()
    body = event()
    post_ok(d, body)
    post_ok(d, body)
    assert d.held("error") == 1
    sentry.up()
    sentry.wait_event(ids_of(body))
    post_ok(d, body)
    sentry.wait_for(lambda: sentry.discarded()["event_processor", "error"] == 2)
    assert sentry.event_ids().count(ids_of(body)) == 1


def test_T043_missing_fields_are_filled_and_present_ones_stay(make_daemon, sentry):
    fill = {"release": "app@2", "environment": "prod", "server_name": "till-7"}
    d = make_daemon(sentry, {**QUICK, "event": fill})
    mine = {"release": "own", "environment": "own", "server_name": "own"}
    for has, want in (({}, fill), (mine, mine), (dict.fromkeys(fill), fill)):
        got = passed(d, sentry, event(**has))
        assert {k: got[k] for k in fill} == want
    got = passed(d, sentry, transaction(), "transaction")
    assert got["release"] == "app@2"


def test_T043_what_else_is_filled_of_which_kind(make_daemon, sentry):
    """Check-ins get release and environment only, entries get attributes."""
    d = make_daemon(sentry, {**QUICK, "tags": {"region": "eu"}, "event": {
        "release": "app@2", "environment": "prod", "server_name": "till-7", "dist": "12"}})
    got = passed(d, sentry, event(platform=None, timestamp=None))
    assert (got["dist"], got["platform"], got["tags"]) == ("12", "other", {"region": "eu"})
    assert got["timestamp"].endswith("Z")
    post_ok(d, wire.check_in())
    post_ok(d, wire.logs(["a"]))
    d.wait_empty()
    (check_in,), (log,) = sentry.items("check_in"), sentry.items("log")
    assert (check_in.json()["release"], check_in.json()["environment"]) == ("app@2", "prod")
    assert not {"dist", "server_name", "tags", "platform"} & set(check_in.json())
    attributes = log.json()["items"][0]["attributes"]
    assert {k: attributes[k]["value"] for k in
            ("sentry.release", "sentry.environment", "server.address")} == \
        {"sentry.release": "app@2", "sentry.environment": "prod", "server.address": "till-7"}


def test_T044_sessions_without_a_release_are_left_alone(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "event": {"release": "app@2"}})
    raw = b'{"init" : true, "started": "2026-01-01T00:00:00Z", "status":"ok","attrs":{ }}'
    post_ok(d, wire.build({}, [({"type": "session"}, raw)]))
    sentry.wait_for(lambda: sentry.items("session"))
    assert sentry.items("session")[0].payload == raw


def test_T045_a_setting_beats_the_environment(make_daemon, make_sentry):
    env = {"SENTRY_RELEASE": "of-env", "SENTRY_ENVIRONMENT": "of-env"}
    for told, want in (({}, "of-env"), ({"release": "told"}, "told")):
        s = make_sentry()
        d = make_daemon(s, {**QUICK, "event": told}, env=env)
        got = passed(d, s, event())
        assert (got["release"], got["environment"]) == (want, "of-env")


@pytest.mark.parametrize("word, is_yes", [
    *((w, True) for w in ("true", "t", "y", "yes", "on", "1", "YES", "True")),
    *((w, False) for w in ("false", "f", "n", "no", "off", "0", "NO", "False"))])
def test_T045_each_word_for_yes_and_no(make_daemon, sentry, word, is_yes):
    d = make_daemon(sentry, {**QUICK, "event": {"strip_locals": word}})
    got = passed(d, sentry, event(exception=exception(
        ("E", "x"), stacktrace={"frames": [{"lineno": 1, "vars": {"a": 1}}]})))
    (frame,) = got["exception"]["values"][0]["stacktrace"]["frames"]
    assert ("vars" not in frame) == is_yes


# --- reports -----------------------------------------------------------------------


def test_T059_reports_of_sdks_and_own_losses_are_one_item(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "batch": {"window": "1s"}, "reports": {"interval": "1s"},
                             "sampling": {"errors": "0"}})
    sentry.down()
    for quantity in (2, 3):
        post_ok(d, wire.client_report("sample_rate", "error", quantity))
    for _ in range(4):
        post_ok(d, event())
    wait_until(lambda: d.dropped("sample_rate", "error") == 4, what="the count")
    sentry.up()
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "error"] == 9)
    (report,) = sentry.items("client_report")
    assert report.json()["discarded_events"] == \
        [{"reason": "sample_rate", "category": "error", "quantity": 9}]


def test_T060_a_report_survives_kill_9_once(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "sampling": {"errors": "0"}, "reports": {"interval": "1s"}})
    sentry.down()
    for _ in range(3):
        post_ok(d, event())
    wait_until(lambda: d.dropped("sample_rate", "error") == 3, what="the count")
    d.kill9()
    sentry.up()
    d.start()
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "error"] == 3)
    d.terminate()
    assert sentry.discarded()["sample_rate", "error"] == 3


@pytest.mark.parametrize("status, counted", [(413, 1), (429, 0)])
def test_T061_413_is_send_error_and_429_is_nothing(make_daemon, sentry, status, counted):
    d = make_daemon(sentry, QUICK)
    gone = event()
    sentry.script(Answer(status), when=lambda r: ids_of(gone).encode() in r.body)
    post_ok(d, gone)
    d.wait_empty()
    sentry.clear_script()
    wait_until(lambda: d.totals()["dropped"] or status == 429, what="the count")
    assert d.dropped("send_error", "error") == counted
    if status == 413:
        sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] == 1)
    d.terminate()
    assert sum(n for (_, category), n in sentry.discarded().items()
               if category == "error") == counted


def test_T062_a_report_is_at_most_4_kib(make_daemon, sentry):
    """Every reason in many categories."""
    d = make_daemon(sentry, {**QUICK, "batch": {"window": "200ms"}})
    categories = ("error", "transaction", "span", "session", "attachment", "profile", "replay",
                  "monitor", "feedback", "log_item", "trace_metric", "default", "security")
    for reason in sorted(wire.REASONS):
        post_ok(d, wire.build({}, [({"type": "client_report"}, wire.compact({
            "timestamp": 1767225600, "discarded_events": [
                {"reason": reason, "category": c, "quantity": 1} for c in categories]}))]))
    total = len(wire.REASONS) * len(categories)
    sentry.wait_for(lambda: sum(sentry.discarded().values()) == total)
    sizes = [len(i.payload) for i in sentry.items("client_report")]
    assert max(sizes) <= 4096 < sum(sizes)


# --- what is unknown -------------------------------------------------------------------


def test_T100_what_is_unknown_passes_unchanged(make_daemon, sentry):
    """Even where everything else is judged."""
    d = make_daemon(sentry, {**QUICK, "sampling": {"errors": "0", "logs": "0"},
                             "event": {"release": "r"}, "ignore": {"loggers": "x"},
                             "rule a": {"on": "log", "then": "drop"}})
    payload = b'\x00\xff{"not": json\n'
    body = wire.build({}, [({"type": "of_tomorrow", "odd": {"a": [1]}}, payload)])
    later = b'"later":{"n":[1.50,null],"m":1e2}'
    post_ok(d, b"{" + later + b"}" + body[2:])
    got = arrived(sentry, payload).envelope
    assert later in got.header_line
    (item,) = got.of_type("of_tomorrow")
    assert item.payload == payload and item.headers["odd"] == {"a": [1]}
