"""P-102 and P-143 to P-150: the paths beside /envelope/."""

import base64
import gzip
import json
import re
import urllib.parse
import uuid
import zlib

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer
from helpers import AUTH, QUICK, assert_error, limited, post
from wire import KEY, UPSTREAM_KEY

ZERO = "0" * 32


@pytest.fixture
def up(sentry):
    return sentry


@pytest.fixture
def d(make_daemon, up):
    return make_daemon(up, QUICK)


def carried(up, *paths):
    """Accepted requests to these paths below the project."""
    return [r for r in up.accepted() if r.rest in paths]


def query_of(target):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query))


def multipart(*parts):
    """parts: (name, filename or None, bytes). Content type and body."""
    mark = "boundary" + wire.new_id()
    out = []
    for name, filename, data in parts:
        more = f'; filename="{filename}"' if filename else ""
        out.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
                   .encode() + data + b"\r\n")
    return (("Content-Type", f"multipart/form-data; boundary={mark}"),
            b"".join(out) + f"--{mark}--\r\n".encode())


# --- store ------------------------------------------------------------------


@pytest.mark.parametrize("how", ["plain", "base64", "base64_zlib", "gzip", "deflate"])
def test_P143_store_in_each_spelling(d, up, how):
    eid = wire.new_id()
    text = wire.event_payload(eid, colour="ü")
    body = {"plain": text, "base64": base64.b64encode(text), "gzip": gzip.compress(text),
            "base64_zlib": base64.b64encode(zlib.compress(text)),
            "deflate": zlib.compress(text)}[how]
    headers = [AUTH] + ([("Content-Encoding", how)] if how in ("gzip", "deflate") else [])
    for path in ("/api/42/store/", "/api/42/store"):
        r = post(d, body, headers, path)
        assert r.status == 200 and r.json() == {"id": eid}, r
    up.wait_for(lambda: len(up.event_ids()) == 2)
    for env in up.envelopes():
        assert env.event_id == eid and env.types() == ["event"]
        assert env.items[0].json() == json.loads(text)


@pytest.mark.parametrize("kind,item", [("transaction", "transaction"), ("default", "event"),
                                       ("from_2040", "event"), ("feedback", "feedback")])
def test_P143_the_type_of_a_stored_event_names_the_item(d, up, kind, item):
    eid = wire.new_id()
    assert post(d, wire.event_payload(eid, type=kind), path="/api/42/store/").status == 200
    assert up.wait_event(eid).envelope.types() == [item]


@pytest.mark.parametrize("body", [b"!!!not base64!!!", b"", b"{broken", b'{"event_id":"nope"}',
                                  base64.b64encode(b"neither JSON nor zlib")])
def test_P143_what_is_no_event_is_400(d, body):
    assert_error(post(d, body, path="/api/42/store/"), 400)


def test_P143_bare_nan_of_old_clients(d, up):
    eid = wire.new_id()
    auth = ("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7, "
                             "sentry_client=raven-python/6.0")
    text = b'{"event_id":"%s","extra":{"a":NaN,"b":[-Infinity,"NaN"]}}' % eid.encode()
    assert post(d, text, [auth], "/api/42/store/").status == 200
    assert up.wait_event(eid).envelope.items[0].json()["extra"] == {"a": None, "b": [None, "NaN"]}


def test_P144_store_by_get(d, up):
    eid = wire.new_id()
    data = base64.b64encode(zlib.compress(wire.event_payload(eid))).decode()
    query = urllib.parse.urlencode({"sentry_key": KEY, "sentry_version": 7, "sentry_data": data})
    r = client.once(d.http, "GET", f"/api/42/store/?{query}")
    assert r.status == 200 and r.header("content-type") == "image/gif"
    assert r.body.startswith(b"GIF89a") and r.body.endswith(b";")
    assert up.wait_event(eid).envelope.items[0].payload == wire.event_payload(eid)


# --- cron -------------------------------------------------------------------


def check_ins(up):
    up.wait_for(lambda: up.items("check_in"))
    return [json.loads(i.payload) for i in up.items("check_in")]


@pytest.mark.parametrize("path,headers", [
    (f"/api/42/cron/nightly/{KEY}", []), (f"/api/42/cron/nightly/{KEY}/", []),
    ("/api/42/cron/nightly", [AUTH])])
def test_P145_a_check_in_by_get(d, up, path, headers):
    r = client.once(d.http, "GET", path + "?status=ok&environment=prod&duration=2.5", headers)
    assert r.status == 202 and r.body == b"", r
    got = check_ins(up)
    assert len(got) == 1
    assert got[0].pop("check_in_id").replace("-", "") == ZERO
    assert got[0] == {"monitor_slug": "nightly", "status": "ok", "environment": "prod",
                      "duration": 2.5}


def test_P145_a_check_in_needs_its_status(d):
    assert_error(client.once(d.http, "GET", f"/api/42/cron/nightly/{KEY}"), 400)
    r = client.once(d.http, "GET", f"/api/42/cron/nightly/{KEY}?status=ok&check_in_id=nope")
    assert_error(r, 400)


def test_P145_a_check_in_by_json(d, up):
    cid = str(uuid.uuid4())
    body = {"check_in_id": cid, "monitor_slug": "other", "status": "in_progress",
            "monitor_config": {"schedule": {"type": "crontab", "value": "0 * * * *"}}}
    r = post(d, wire.compact(body), [("Content-Type", "application/json")],
             f"/api/42/cron/nightly/{KEY}")
    assert r.status == 202, r
    got = check_ins(up)[0]
    assert got["monitor_slug"] == "nightly" and got["status"] == "in_progress"
    assert got["check_in_id"].replace("-", "") == cid.replace("-", "")
    assert got["monitor_config"] == body["monitor_config"]


# --- security ---------------------------------------------------------------

CSP = b'{ "csp-report" : {"document-uri":"http://a.b/","n":1.50} }'


@pytest.mark.parametrize("path", ["security", "csp-report"])
def test_P146_a_security_report_goes_on_raw(d, up, path):
    target = (f"/api/42/{path}/?sentry_key={KEY}&sentry_release=r%201&sentry_environment=e"
              "&sentry_other=x")
    r = client.once(d.http, "POST", target, [("Content-Type", "application/csp-report")], CSP)
    assert r.status == 200 and r.body == b"", r
    up.wait_for(lambda: carried(up, "security/", "csp-report/"))
    got = carried(up, "security/", "csp-report/")[0]
    assert got.body == CSP and got.key == UPSTREAM_KEY
    assert got.header("content-type") == "application/csp-report"
    assert query_of(got.target) == {"sentry_release": "r 1", "sentry_environment": "e"}
    d.wait_empty()
    assert d.delivered("security") == 1


def test_P146_other_types_are_415(d):
    r = client.once(d.http, "POST", f"/api/42/security/?sentry_key={KEY}",
                    [("Content-Type", "text/html")], CSP)
    assert_error(r, 415)


# --- minidumps and attachments ----------------------------------------------


def told_id(r):
    assert r.status == 200 and r.header("content-type").startswith("text/plain"), r
    text = r.body.decode()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text), text
    return text.replace("-", "")


def minidump_id(up):
    """The id under which the dump arrived: of its envelope, or of its form."""
    up.wait_for(lambda: up.accepted())
    r = up.accepted()[0]
    if r.envelope:
        return r.envelope.event_id
    m = re.search(rb'name="sentry\[event_id\]"\r\n(?:[^\r\n]+\r\n)*\r\n([0-9a-fA-F-]+)', r.body)
    assert m, r.body[:2000]
    return m[1].decode().replace("-", "").lower()


DUMP = b"MDMP" + bytes(range(256))


@pytest.mark.parametrize("path", ["/api/42/minidump", "/api/42/minidump/"])
def test_P147_a_minidump_in_a_form(d, up, path):
    kind, body = multipart(("upload_file_minidump", "m.dmp", DUMP), ("note", None, b"x"))
    eid = told_id(post(d, body, [kind], path + f"?sentry_key={KEY}"))
    assert minidump_id(up) == eid
    assert DUMP in up.accepted()[0].body


def test_P147_a_minidump_with_an_id_of_its_own(d, up):
    want = wire.new_id()
    kind, body = multipart(("sentry[event_id]", None, want.encode()),
                           ("upload_file_minidump", "m.dmp", gzip.compress(DUMP)))
    assert told_id(post(d, body, [kind, AUTH], "/api/42/minidump/")) == want
    assert minidump_id(up) == want


def test_P147_a_bare_minidump(d, up):
    r = post(d, DUMP, [AUTH, ("Content-Type", "application/x-dmp")], "/api/42/minidump/")
    assert minidump_id(up) == told_id(r)
    assert DUMP in up.accepted()[0].body


def test_P147_what_is_no_minidump_is_400(d):
    kind, body = multipart(("upload_file_minidump", "m.dmp", b"ELF nothing"))
    assert_error(post(d, body, [AUTH, kind], "/api/42/minidump/"), 400)
    assert_error(post(d, b"nothing", [AUTH, ("Content-Type", "application/octet-stream")],
                      "/api/42/minidump/"), 400)


def test_P148_attachments_of_an_event(d, up):
    eid = wire.new_id()
    one, two = b"\x00\xff\r\n--x\r\n", b"text"
    kind, body = multipart(("a", "a.bin", one), ("b", "b.txt", two))
    r = post(d, body, [AUTH, kind], f"/api/42/events/{uuid.UUID(eid)}/attachments/")
    assert r.status == 201 and r.body == b"", r
    got = up.wait_event(eid).envelope
    assert [(i.type, i.headers["filename"], i.payload) for i in got.items] == [
        ("attachment", "a.bin", one), ("attachment", "b.txt", two)]
    d.wait_empty()
    assert len(up.accepted()) == 1


# --- what is carried as it came ---------------------------------------------


@pytest.mark.parametrize("headers", [[], [("Content-Type", "a/b; c=d"), ("X-Other", "1")]])
def test_P006_unknown_paths_of_a_project_are_carried(d, up, headers):
    """Not 404, which is for paths outside of a project: what a later Sentry takes
    there is durable like the rest."""
    body = b"\x00\xff as it came"
    r = post(d, body, [AUTH, *headers], "/api/42/from/2040?a=b%20c&sentry_version=7")
    assert 200 <= r.status < 300, r
    up.wait_for(lambda: up.accepted())
    got = up.accepted()[0]
    assert got.method == "POST" and got.body == body and got.key == UPSTREAM_KEY
    assert urllib.parse.urlsplit(got.target).path == "/api/7/from/2040"
    assert query_of(got.target) == {"a": "b c"}
    assert got.header("content-type") == dict(headers).get("Content-Type")


@pytest.mark.parametrize("path,kind,body", [
    ("security/", "application/csp-report", CSP),
    ("integration/otlp/v1/logs", "application/x-protobuf", b"\x0a\x00"),
    ("nel/", "application/reports+json", b'[ {"age":1} ]')])
def test_P146_what_is_carried_survives_kill_9(d, up, path, kind, body):
    up.down()
    r = post(d, body, [AUTH, ("Content-Type", kind)], f"/api/42/{path}")
    assert r.status == 200
    d.kill9()
    d.start()
    up.up()
    up.wait_for(lambda: carried(up, path))
    assert [r.body for r in carried(up, path)] == [body]
    d.wait_empty()


# --- OTLP and uploads -------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/x-protobuf", "application/json"])
@pytest.mark.parametrize("path", ["integration/otlp/v1/traces", "integration/otlp/v1/logs"])
def test_P149_otlp_goes_on_byte_for_byte(d, up, kind, path):
    body = (b'{ "resourceSpans" : [ ] }' if "json" in kind
            else b"\x0a\x07\x12\x05\x12\x03\x0a\x01\xff")
    for slash, headers, data in (("", [AUTH], body),
                                 ("/", [AUTH, ("Content-Encoding", "gzip")], gzip.compress(body))):
        r = post(d, data, headers + [("Content-Type", kind)], f"/api/42/{path}{slash}")
        assert r.status == 200, r
    up.wait_for(lambda: len(up.accepted()) == 2)
    for got in up.accepted():
        assert got.body == body and got.key == UPSTREAM_KEY
        assert got.header("content-type") == kind
        assert urllib.parse.urlsplit(got.target).path.rstrip("/") == f"/api/7/{path}"


def test_P149_other_types_are_415(d):
    assert_error(post(d, b"x", [AUTH, ("Content-Type", "text/plain")],
                      "/api/42/integration/otlp/v1/traces"), 415)


def test_P150_uploads_pass_or_are_off(d, up):
    """A client that gets 404 goes on without the large attachment."""
    where = "/api/7/upload/9f?x=1&sentry_key=" + UPSTREAM_KEY
    up.script(Answer(201, headers=(("Location", where),)), times=1)
    r = post(d, None, [AUTH, ("Tus-Resumable", "1.0.0"), ("Upload-Length", "5")],
             "/api/42/upload/")
    if r.status == 404:
        assert_error(r, 404)
        return
    assert r.status == 201 and r.header("location") == where
    r = client.once(d.http, "PATCH", where, [AUTH, ("Tus-Resumable", "1.0.0"), (
        "Upload-Offset", "0"), ("Content-Type", "application/offset+octet-stream")], b"12345")
    assert r.status in (200, 204)
    assert up.requests[-1].body == b"12345"


# --- clients that would try for ever ----------------------------------------


def test_P102_minidump_unreal_and_cron_never_get_429(d, up):
    limited(d, up, "60::organization")
    before = len(up.requests)
    assert post(d, wire.event()).status == 429
    kind, form = multipart(("upload_file_minidump", "m.dmp", DUMP))
    told_id(post(d, form, [AUTH, kind], "/api/42/minidump/"))
    told_id(post(d, b"\x78\x9cblob", [], f"/api/42/unreal/{KEY}/?UserID=x"))
    r = client.once(d.http, "GET", f"/api/42/cron/nightly/{KEY}?status=ok")
    assert r.status == 202
    wait_until(lambda: d.dropped("ratelimit_backoff", "monitor") == 1, what="the count")
    assert d.dropped("ratelimit_backoff", "error") >= 1
    assert len(up.requests) == before
