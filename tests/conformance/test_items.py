"""P-055 to P-074: ids and headers that stay, quantities, limits, containers."""

import json
import os

import pytest

import wire
from daemon import wait_until
from fake_sentry import Answer
from helpers import arrived, assert_error, post, post_ok
from wire import KIB, MIB


def one(kind, payload, headers=None, **item):
    return wire.build(headers or {}, [({"type": kind, **item}, payload)])


# --- ids and headers --------------------------------------------------------


@pytest.mark.parametrize("kind", ["event", "transaction", "feedback"])
def test_P055_the_payload_lends_its_id_to_the_header(relay, kind):
    eid = wire.new_id()
    assert post_ok(relay.d, one(kind, wire.event_payload(eid))).json() == {"id": eid}
    assert relay.sentry.wait_event(eid).envelope.items[0].payload == wire.event_payload(eid)


def test_P056_an_id_is_made_up_once(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.script(Answer(503), times=2)
    eid = post_ok(d, one("event", b'{"level":"info"}')).json()["id"]
    sentry.wait_event(eid)
    assert [r.envelope.event_id for r in sentry.requests] == [eid] * 3


def test_P057_the_id_of_the_header_wins(relay):
    header, payload = wire.new_id(), wire.new_id()
    body = one("event", wire.event_payload(payload), {"event_id": header})
    assert post_ok(relay.d, body).json() == {"id": header}
    relay.sentry.wait_event(header)


def test_P058_the_listen_address_stays_here(relay):
    eid = wire.new_id()
    post_ok(relay.d, wire.event(eid, headers={"dsn": relay.d.dsn()}))
    got = relay.sentry.wait_event(eid)
    address = f"{relay.d.http[0]}:{relay.d.http[1]}"
    assert address.encode() not in got.body
    assert all(address not in v for k, v in got.headers)
    assert got.envelope.headers.get("dsn") in (None, relay.sentry.dsn)


def test_P059_headers_survive_a_restart(make_daemon, sentry):
    d = make_daemon(sentry)
    eid = wire.new_id()
    head = {"sdk": {"name": "sentry.x", "version": "1", "packages": [{"name": "a"}]},
            "trace": {"trace_id": wire.new_id(), "public_key": "f" * 32, "sample_rate": "0.50",
                      "future": {"a": [1]}}, "x_later": [1, None, "ü"]}
    sentry.down()
    post_ok(d, wire.event(eid, headers=head))
    d.kill9()
    d.start()
    sentry.up()
    got = sentry.wait_event(eid).envelope.headers
    assert {k: got[k] for k in head} == head


def test_P060_nothing_of_relays_is_invented(relay):
    marks = [wire.new_id() for _ in range(4)]
    post_ok(relay.d, wire.event(marks[0]))
    post_ok(relay.d, wire.transaction(marks[1]))
    post_ok(relay.d, wire.session(marks[2]))
    post_ok(relay.d, wire.logs([marks[3]]))
    for mark in marks:
        got = arrived(relay.sentry, mark)
        assert not wire.RELAY_ENVELOPE & set(got.envelope.headers)
        for item in got.envelope.items:
            assert not wire.RELAY_ITEM & set(item.headers)
        assert not [k for k, _ in got.headers if k.startswith("x-sentry-relay")]


# --- quantities -------------------------------------------------------------

LOG = wire.logs_payload(["a", "b", "c"])
METRIC = wire.metrics(["m", "n"]).split(b"\n", 2)[2][:-1]
SPANS = wire.compact({"items": [{"trace_id": "1" * 32, "span_id": "%016x" % n} for n in range(4)]})
SESSIONS = wire.compact({"aggregates": [
    {"started": "2026-01-01T00:00:00Z", "exited": 3, "errored": 2}], "attrs": {"release": "a"}})
CHUNK = wire.compact({"profiler_id": "2" * 32, "chunk_id": "3" * 32, "platform": "python"})
REF = "application/vnd.sentry.attachment-ref"

QUANTITIES = {
    "event": (("event", b"{}", {}), {"error": 1}),
    "transaction": (("transaction", b'{"spans":[{},{},{}]}', {}), {"transaction": 1, "span": 4}),
    "feedback": (("feedback", b"{}", {}), {"feedback": 1}),
    "user_report": (("user_report", b"{}", {}), {"feedback": 1}),
    "attachment": (("attachment", b"12345", {}), {"attachment": 5, "attachment_item": 1}),
    "empty_attachment": (("attachment", b"", {}), {"attachment": 1, "attachment_item": 1}),
    "minidump": (("attachment", b"MDMP", {"attachment_type": "event.minidump"}),
                 {"error": 1, "attachment": 4, "attachment_item": 1}),
    "placeholder": (("attachment", b'{"location":"/x"}',
                     {"content_type": REF, "attachment_length": 12345}),
                    {"attachment": 12345, "attachment_item": 1}),
    "session": (("session", b"{}", {}), {"session": 1}),
    "sessions": (("sessions", SESSIONS, {}), {"session": 5}),
    "log": (("log", LOG, {"item_count": 3, "content_type": wire.LOG_TYPE}),
            {"log_item": 3, "log_byte": len(LOG)}),
    "trace_metric": (("trace_metric", METRIC, {"item_count": 2, "content_type": wire.METRIC_TYPE}),
                     {"trace_metric": 2, "trace_metric_byte": len(METRIC)}),
    "span_container": (("span", SPANS, {"item_count": 4, "content_type": wire.SPAN_TYPE}),
                       {"span": 4}),
    "span": (("span", b"{}", {}), {"span": 1}),
    "profile": (("profile", b'{"platform":"python"}', {}), {"profile": 1}),
    "profile_chunk": (("profile_chunk", CHUNK, {"platform": "python"}), {"profile_chunk": 1}),
    "profile_chunk_ui": (("profile_chunk", CHUNK.replace(b"python", b"cocoa"),
                          {"platform": "cocoa"}), {"profile_chunk_ui": 1}),
    "replay_event": (("replay_event", b"{}", {}), {"replay": 1}),
    "replay_recording": (("replay_recording", b'{"segment_id":0}\n[]', {}), {"replay": 1}),
    "replay_video": (("replay_video", b"\x00", {}), {"replay": 1}),
    "check_in": (("check_in", b"{}", {}), {"monitor": 1}),
    "client_report": (("client_report", b'{"discarded_events":[]}', {}), {}),
    "statsd": (("statsd", b"a@none:1|c|T1\nb@none:1|c|T1\n", {}), None),
    "metric_buckets": (("metric_buckets", b"[]", {}), None),
    "unknown": (("from_2040", b"x", {}), {}),
}
# Of these, a receiver knows them from the others; picket keeps one figure.
SIDE = {"transaction_indexed", "span_indexed", "profile_indexed", "profile_backend", "profile_ui"}


@pytest.mark.parametrize("name", QUANTITIES)
def test_P061_quantities_received_and_lost(make_daemon, sentry, name):
    (kind, payload, item), want = QUANTITIES[name]
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    body = one(kind, payload, {"event_id": wire.new_id()}, **item)
    sentry.script(Answer(405), times=1)
    post_ok(d, body)
    d.wait_empty()
    received = {k: n for k, n in d.totals()["received"].items() if k not in SIDE}
    lost = {k: n for k, n in d.totals()["dropped"].get("send_error", {}).items() if k not in SIDE}
    if want is None:  # statsd and buckets: nothing at the item, or metric buckets
        assert set(received) <= {"metric_bucket"}
    else:
        assert received == want
    assert lost == received


# --- limits -----------------------------------------------------------------


def test_P062_an_event_of_exactly_the_limit(relay):
    eid = wire.new_id()
    post_ok(relay.d, wire.event_of_size(MIB, eid))
    assert len(relay.sentry.wait_event(eid, 20).envelope.items[0].payload) == MIB
    assert_error(post(relay.d, wire.event_of_size(MIB + 1)), 413)


def test_P064_nothing_beyond_the_table_is_sent(make_daemon, make_sentry):
    """Each of these breaks a row; what leaves, if anything, breaks none."""
    s = make_sentry()
    s.refuses_by_table = True
    d = make_daemon(s)
    check = ({"type": "check_in"}, b'{"monitor_slug":"a"}')
    log = ({"type": "log", "item_count": 1, "content_type": wire.LOG_TYPE}, b'{"items":[{}]}')
    for items in (
            [({"type": "event"}, b"{}")] * 2, [({"type": "attachment"}, b"x")] * 31,
            [({"type": "session"}, b"{}")] * 101, [check] * 3, [log] * 3,
            [({"type": "span"}, b"{}")] * 26, [({"type": "statsd"}, b"a@none:1|c")] * 2,
            [({"type": "profile"}, b'{"platform":"c"}')] * 2,
            [({"type": "check_in"}, b" " * (100 * KIB + 1))],
            [({"type": "client_report"}, b'{"discarded_events":[]}')] * 101):
        r = post(d, wire.build({"event_id": wire.new_id()}, items))
        assert r.status in (200, 413), (items[0], r)
    s.wait_event(d.send_event())
    d.wait_empty()
    assert all(not wire.check_limits(e) for e in s.envelopes())


# --- containers -------------------------------------------------------------


@pytest.mark.parametrize("claim", [0, 1, 9, None])
def test_P067_a_wrong_item_count_is_corrected(make_daemon, sentry, claim):
    d = make_daemon(sentry)
    head = {"type": "log", "content_type": wire.LOG_TYPE}
    if claim is not None:
        head["item_count"] = claim
    post_ok(d, wire.build({}, [(head, LOG)]))
    d.wait_empty()
    assert [i.headers["item_count"] for i in sentry.items("log")] == [3]
    assert d.received("log_item") == 3 and d.delivered("log_item") == 3


@pytest.mark.parametrize("payload", [b'{"items":[{},', b"[]", b'{"items":5}', b"", b"\xff"])
def test_P069_an_unreadable_container_is_dropped_and_counted(make_daemon, sentry, payload):
    d = make_daemon(sentry)
    post_ok(d, one("log", payload, item_count=1, content_type=wire.LOG_TYPE))
    wait_until(lambda: d.dropped("invalid", "log_item") == 1, what="the count")
    sentry.wait_for(lambda: sentry.discarded()["invalid", "log_item"] == 1)
    assert not sentry.items("log")


def test_P070_container_metadata_stays(relay):
    mark = wire.new_id()
    payload = wire.compact({
        "version": 2, "ingest_settings": {"infer_ip": "never", "infer_user_agent": "auto"},
        "items": [{"body": mark, "__header": {"byte_size": 7}}]})
    post_ok(relay.d, one("log", payload, item_count=1, content_type=wire.LOG_TYPE))
    got = arrived(relay.sentry, mark).envelope.of_type("log")[0].json()
    assert got == json.loads(payload)


def test_P071_a_minidump_stays_with_its_event(make_daemon, sentry):
    d = make_daemon(sentry)
    eid = wire.new_id()
    dump = b"MDMP" + os.urandom(1000)
    items = [({"type": "session"}, b'{"started":"2026-01-01T00:00:00Z"}'),
             ({"type": "event"}, wire.event_payload(eid)),
             ({"type": "attachment", "attachment_type": "event.minidump", "filename": "m"}, dump)]
    # Sentry finds the whole too large: what is cut apart may not cut these.
    sentry.script(Answer(413), when=lambda r: r.envelope and len(r.envelope.items) > 2)
    post_ok(d, wire.build({"event_id": eid}, items))
    got = arrived(sentry, dump).envelope
    assert [(i.type, i.payload) for i in got.items if i.type != "client_report"] == [
        ("event", wire.event_payload(eid)), ("attachment", dump)]
    sentry.wait_for(lambda: sentry.items("session"))


def test_P072_a_replay_stays_together(relay):
    eid = wire.new_id()
    parts = [("replay_event", wire.compact({"replay_id": eid, "segment_id": 0})),
             ("replay_recording", b'{"segment_id":0}\n' + os.urandom(3000)),
             ("replay_video", os.urandom(3000))]
    post_ok(relay.d, wire.build({"event_id": eid}, [({"type": t}, p) for t, p in parts]))
    got = relay.sentry.wait_event(eid).envelope
    assert [(i.type, i.payload) for i in got.items] == parts


@pytest.mark.parametrize("header,want", [({"platform": "cocoa"}, "cocoa"), ({}, "python")])
def test_P073_a_profile_chunk_has_its_platform(relay, header, want):
    mark = wire.new_id()
    payload = wire.compact({"profiler_id": mark, "platform": "python", "version": "2"})
    post_ok(relay.d, one("profile_chunk", payload, **header))
    got = arrived(relay.sentry, mark).envelope.items[0]
    assert got.headers["platform"] == want and got.payload == payload


def test_P074_the_old_name_of_a_ui_chunk_stays(relay):
    mark = wire.new_id()
    post_ok(relay.d, one("profile_chunk_ui", wire.compact({"profiler_id": mark})))
    assert arrived(relay.sentry, mark).envelope.items[0].type == "profile_chunk_ui"
