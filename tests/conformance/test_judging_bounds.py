"""T35 to T40 and T99: how much of an event is kept, and what is noted about the rest."""

import pytest

import wire
from helpers import QUICK
from judging import event, exception, passed, transaction

LIMIT = ["!limit", "x"]


def bounded(make_daemon, sentry, **bounds):
    return make_daemon(sentry, {**QUICK, "event": bounds})


def note(got, *path):
    at = got["_meta"]
    for step in path:
        at = at[step]
    return at[""]


def frames(*list_of):
    return exception(("E", "x"), stacktrace={"frames": list(list_of)})


def first_frame(got):
    return got["exception"]["values"][0]["stacktrace"]["frames"][0]


@pytest.mark.parametrize("noted, told", [(None, 150), (170, 170)])
def test_T035_the_newest_breadcrumbs_stay_in_order(make_daemon, sentry, noted, told):
    d = bounded(make_daemon, sentry, max_breadcrumbs="100")
    crumbs = [{"timestamp": 1767225600 + n, "message": str(n)} for n in range(150)]
    more = {"_meta": {"breadcrumbs": {"": {"len": noted}}}} if noted else {}
    got = passed(d, sentry, event(breadcrumbs={"values": crumbs}, **more))
    assert got["breadcrumbs"]["values"] == crumbs[50:]
    assert note(got, "breadcrumbs") == {"len": told}


def test_T036_a_long_value_is_cut_and_noted(make_daemon, sentry):
    d = bounded(make_daemon, sentry, max_value_length="20")
    text = "0123456789012345678901234"
    got = passed(d, sentry, event(extra={"long": text, "fits": text[:20]}))
    assert got["extra"] == {"long": text[:17] + "...", "fits": text[:20]}
    assert note(got, "extra", "long") == {"len": 25, "rem": [[*LIMIT, 17, 20]]}
    assert "fits" not in got["_meta"]["extra"]


def test_T037_cutting_leaves_valid_text_and_what_events_are_found_by(make_daemon, sentry):
    d = bounded(make_daemon, sentry, max_value_length="20")
    trace = {"trace_id": "1" * 32, "span_id": "2" * 16, "parent_span_id": "3" * 16}
    ids = {"timestamp": "2026-01-01T00:00:00.000000Z", "release": "a" * 30,
           "contexts": {"trace": trace}, "fingerprint": ["b" * 30],
           "exception": frames({"instruction_addr": "0x" + "4" * 24})}
    got = passed(d, sentry, event(extra={"e": "\u00e9" * 15, "wide": "\U0001f600" * 6}, **ids))
    assert got["extra"] == {"e": "\u00e9" * 8 + "...", "wide": "\U0001f600" * 4 + "..."}
    assert {k: got[k] for k in ids} == ids and len(got["event_id"]) == 32


@pytest.mark.parametrize("name, want", [
    ("depth", {"extra": {"a": {"b": {"c": {"d": '{"e":{"f":1}}'}}}}}),
    ("breadth", {"extra": {"list": list(range(10))}})])
def test_T038_depth_and_breadth_are_noted_as_sdks_do(make_daemon, sentry, name, want):
    d = bounded(make_daemon, sentry, max_depth="4" if name == "depth" else "0", max_breadth="10")
    if name == "depth":
        extra = {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}
    else:
        extra = {"list": list(range(14))}
    got = passed(d, sentry, event(extra=extra))
    assert got["extra"] == want["extra"]
    if name == "depth":
        assert note(got, "extra", "a", "b", "c", "d") == {"rem": [LIMIT]}
    else:
        assert note(got, "extra", "list") == {"len": 14}


def test_T038_the_innermost_frames_stay_and_the_length_is_noted(make_daemon, sentry):
    d = bounded(make_daemon, sentry, max_frames="3")
    stack = [{"function": str(n)} for n in range(2100)]
    got = passed(d, sentry, event(exception=frames(*stack)))
    assert got["exception"]["values"][0]["stacktrace"]["frames"] == stack[-3:]
    assert note(got, "exception", "values", "0", "stacktrace", "frames") == {"len": 2100}


def test_T039_a_body_beyond_its_bound_goes(make_daemon, sentry):
    d = bounded(make_daemon, sentry, max_request_body_size="medium")
    got = passed(d, sentry, event(request={"url": "http://h/", "data": "x" * 10001}))
    assert got["request"] == {"url": "http://h/", "data": ""}
    assert note(got, "request", "data") == {"rem": [["!config", "x"]]}
    kept = passed(d, sentry, event(request={"data": "x" * 10000}))
    assert kept["request"]["data"] == "x" * 10000 and "_meta" not in kept


@pytest.mark.parametrize("frame, in_app", [
    ({"module": "mine"}, True), ({"module": "mine.sub"}, True), ({"module": "minerals"}, None),
    ({"module": "lib.mine"}, False), ({"module": "lib.ok.x"}, True),
    ({"abs_path": "/v/site-packages/x.py"}, False),
    ({"abs_path": "/v/site-packages/mine.py", "module": "mine"}, True),
    ({"module": "lib", "in_app": True}, True), ({"module": "mine", "in_app": False}, False)])
def test_T040_in_app_follows_the_lists(make_daemon, sentry, frame, in_app):
    d = bounded(make_daemon, sentry, in_app_include="mine lib.ok", in_app_exclude="lib")
    assert first_frame(passed(d, sentry, event(exception=frames(frame)))).get("in_app") is in_app


def test_T040_what_an_sdk_said_stays_unless_told(make_daemon, sentry):
    d = bounded(make_daemon, sentry, in_app_exclude="lib", in_app_override="yes")
    got = passed(d, sentry, event(exception=frames({"module": "lib", "in_app": True})))
    assert first_frame(got)["in_app"] is False


def test_T099_locals_source_modules_and_argv_are_taken_away(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "event": {"strip_locals": "yes", "strip_source": "yes"},
                             "rule a": {"then": 'delete modules; delete extra."sys.argv"'}})
    frame = {"filename": "f.c", "lineno": 3, "vars": {"a": 1}, "pre_context": ["x"],
             "context_line": "y", "post_context": ["z"]}
    got = passed(d, sentry, event(exception=frames(frame), modules={"m": "1"},
                                  extra={"sys.argv": ["app", "--token=x"], "b": 2}))
    assert first_frame(got) == {"filename": "f.c", "lineno": 3}
    assert "modules" not in got and got["extra"] == {"b": 2}


def test_T099_spans_of_an_origin_are_taken_away_and_noted(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "rule a": {
        "on": "span", "when": 'origin glob "auto.db.*"', "then": "drop"}})
    spans = [{"span_id": f"{n:016x}", "origin": o}
             for n, o in enumerate(("auto.db.redis", "manual", "auto.db.sqlalchemy"))]
    got = passed(d, sentry, transaction(spans=spans), "transaction")
    assert [s["origin"] for s in got["spans"]] == ["manual"]
    assert note(got, "spans") == {"len": 3}
    sentry.wait_for(lambda: sentry.discarded()["before_send", "span"] == 2)
