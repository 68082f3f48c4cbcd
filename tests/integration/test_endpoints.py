"""Every path a Sentry SDK or tool sends to (protocol 3 and 20): what the client
is answered, and what arrives upstream."""

import base64
import gzip
import json
import re
import zlib

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer
from settings import CAPTURED
from test_ingest_http import assert_error, auth
from wire import KEY, MIB

JSON = ("Content-Type", "application/json")
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
ZERO = "0" * 32
MANIFEST = json.loads((CAPTURED / "manifest.json").read_text())
STORED = sorted((e for e in MANIFEST["envelopes"] if e["file"].endswith(".store")),
                key=lambda e: e["file"])


def ask(picketd, method, path, headers=(), body=None, authorized=True, **kw):
    head = ([auth()] if authorized else []) + list(headers)
    return client.once(picketd.http, method, path, head, body, **kw)


def post(picketd, path, body, *headers, **kw):
    return ask(picketd, "POST", f"/api/42/{path}", headers, body, **kw)


def assert_empty(r, status):
    assert r.status == status, r
    assert r.body == b"" and r.header("content-type") is None


def form(fields, boundary="x-y-z"):
    """fields: (name, filename or None, bytes)."""
    out = b""
    for name, filename, data in fields:
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if filename is not None:
            out += f'; filename="{filename}"\r\nContent-Type: application/octet-stream'.encode()
        out += b"\r\n\r\n" + data + b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


FORM = ("Content-Type", "multipart/form-data; boundary=x-y-z")
DUMP = b"MDMP\x93\xa7\x00\x00" + bytes(range(256)) * 8 + b"\r\n--x-y\r\n"


def assert_empty_spool_adds_up(picketd):
    picketd.wait_empty()
    picketd.check_conservation()


# --- store ------------------------------------------------------------------


def spellings(payload):
    return {
        "plain": payload,
        "base64": base64.b64encode(payload),
        "base64_zlib": base64.b64encode(zlib.compress(payload)),
        "base64_lines": base64.encodebytes(payload),
    }


@pytest.mark.parametrize("path", ["/api/42/store/", "/api/42/store", "/api/store/", "//api/store"])
@pytest.mark.parametrize("name", ["plain", "base64", "base64_zlib", "base64_lines"])
def test_store_takes_every_spelling_p143(picketd, sentry, name, path):
    eid = wire.new_id()
    payload = wire.event_payload(eid)
    r = ask(picketd, "POST", path, [], spellings(payload)[name])
    assert r.status == 200 and r.json() == {"id": eid}
    got = sentry.wait_event(eid).envelope
    assert got.types() == ["event"] and got.items[0].payload == payload


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_store_bodies_may_be_compressed_p143(picketd, sentry, encoding):
    eid = wire.new_id()
    r = post(picketd, "store/", wire.encode(encoding, wire.event_payload(eid)),
             ("Content-Encoding", encoding))
    assert r.status == 200
    sentry.wait_event(eid)


@pytest.mark.parametrize("body", [b"", b"!", b"[]", b"{", b'{"event_id":"x"}', b"bm90IHpsaWI="])
def test_store_refuses_what_is_no_event_p143(picketd, body):
    assert_error(post(picketd, "store/", body), 400)
    assert picketd.totals()["received"] == {}


def test_store_needs_credentials(picketd):
    assert_error(post(picketd, "store/", b"{}", authorized=False), 401)
    assert_error(ask(picketd, "POST", f"/api/42/store/?sentry_key={KEY}", [], b"{}"), 401)


def test_store_pixel_p144(picketd, sentry):
    eid = wire.new_id()
    payload = wire.event_payload(eid).decode()
    r = ask(picketd, "GET", f"/api/42/store/?sentry_key={KEY}&sentry_version=7&sentry_data="
            + "".join(f"%{b:02x}" for b in payload.encode()), authorized=False)
    assert r.status == 200 and r.header("content-type") == "image/gif"
    assert r.body.startswith(b"GIF89a") and len(r.body) == 26
    assert sentry.wait_event(eid).envelope.items[0].payload == payload.encode()
    assert_error(ask(picketd, "GET", f"/api/42/store/?sentry_key={KEY}", authorized=False), 400)


def test_store_beyond_its_limit_is_413(picketd):
    body = wire.event_payload(wire.new_id(), pad="x" * MIB)
    r = post(picketd, "store/", body)
    assert_error(r, 413)
    assert "limits.store" in r.json()["detail"]


def test_store_with_an_envelope_inside(picketd, sentry):
    eid = wire.new_id()
    r = post(picketd, "store/", wire.event(eid), ("Content-Type", "application/x-sentry-envelope"))
    assert r.status == 200 and r.json() == {"id": eid}
    sentry.wait_event(eid)


def test_bare_floats_of_old_python_become_null(picketd, sentry):
    eid = wire.new_id()
    body = f'{{"event_id":"{eid}","extra":{{"a":NaN,"b":-Infinity,"c":"NaN"}}}}'.encode()
    head = ("X-Sentry-Auth", f"Sentry sentry_key={KEY},sentry_version=5,"
                             "sentry_client=raven-python/6.10.0")
    r = client.once(picketd.http, "POST", "/api/42/store/", [head], body)
    assert r.status == 200
    got = sentry.wait_event(eid)
    assert got.envelope.items[0].payload == body.replace(b":NaN", b":null").replace(
        b"-Infinity", b"null")
    assert_error(post(picketd, "store/", body), 400)


@pytest.mark.parametrize("entry", STORED, ids=lambda e: e["file"])
def test_what_old_sdks_stored_arrives(picketd, sentry, entry):
    data = (CAPTURED / entry["file"]).read_bytes()
    eid = json.loads(data)["event_id"].replace("-", "")
    headers = [(k, v) for k, v in entry["headers"] if k.lower() != "content-encoding"]
    for body in (data, base64.b64encode(zlib.compress(data))):
        r = client.once(picketd.http, "POST", entry["path"], headers, body)
        assert r.status == 200 and r.json() == {"id": eid}
    sentry.wait_for(lambda: len([e for e in sentry.event_ids() if e == eid]) == 2)
    assert all(e.items[0].payload == data for e in sentry.envelopes() if e.event_id == eid)


# --- cron -------------------------------------------------------------------


def check_in_of(sentry):
    sentry.wait_for(lambda: sentry.items("check_in"))
    return sentry.items("check_in")[0].json()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [f"cron/nightly/{KEY}/?status=ok", f"cron/nightly/{KEY}?status=ok"])
def test_cron_with_the_key_in_its_path_p145(picketd, sentry, method, path):
    assert_empty(ask(picketd, method, f"/api/42/{path}", authorized=False), 202)
    assert check_in_of(sentry) == {"check_in_id": ZERO, "monitor_slug": "nightly", "status": "ok"}
    assert sentry.accepted()[0].auth["client"].startswith("picket.http-check-in/")


def test_cron_with_other_credentials_p145(picketd, sentry):
    eid = wire.new_id()
    r = ask(picketd, "GET", f"/api/42/cron/nightly?status=error&check_in_id={eid}"
                            "&environment=prod&duration=2.5")
    assert_empty(r, 202)
    assert check_in_of(sentry) == {"check_in_id": eid, "monitor_slug": "nightly",
                                   "status": "error", "environment": "prod", "duration": 2.5}


def test_cron_json_takes_its_slug_from_the_path_p145(picketd, sentry):
    body = wire.compact({"monitor_slug": "other", "status": "in_progress",
                         "monitor_config": {"schedule": {"type": "crontab", "value": "* * * * *"}}})
    assert_empty(post(picketd, "cron/nightly/", body, JSON), 202)
    got = check_in_of(sentry)
    assert got["monitor_slug"] == "nightly" and got["check_in_id"] == ZERO
    assert got["monitor_config"]["schedule"]["type"] == "crontab"


def test_cron_refusals_p145(picketd):
    assert_error(ask(picketd, "GET", "/api/42/cron/nightly"), 400)
    assert_error(ask(picketd, "GET", "/api/42/cron/nightly?status=fine"), 400)
    assert_error(ask(picketd, "GET", "/api/42/cron/nightly?status=ok", authorized=False), 401)
    assert_error(ask(picketd, "GET", f"/api/42/cron/nightly/{KEY}?status=ok"), 401)
    assert_error(ask(picketd, "GET", "/api/42/cron/nightly/no%20key?status=ok",
                     authorized=False), 400)
    assert_error(ask(picketd, "PUT", f"/api/42/cron/nightly/{KEY}", body=b""), 405)


# --- attachments ------------------------------------------------------------


def test_late_attachments_are_one_envelope_p148(picketd, sentry):
    eid = wire.new_id()
    body = form([("a", "one.txt", b"1\r\n2"), ("note", None, b"x"), ("b", "two.bin", DUMP)])
    dashed = f"{eid[:8]}-{eid[8:12]}-{eid[12:16]}-{eid[16:20]}-{eid[20:]}"
    assert_empty(post(picketd, f"events/{dashed}/attachments/", body, FORM), 201)
    got = sentry.wait_event(eid).envelope
    assert [(i.type, i.headers["filename"], i.payload) for i in got.items] == [
        ("attachment", "one.txt", b"1\r\n2"), ("attachment", "two.bin", DUMP)]


def test_more_attachments_than_sentry_takes_at_once_are_divided(picketd, sentry):
    eid = wire.new_id()
    many = form([("f", f"{n}", b"x%d" % n) for n in range(31)])
    assert_empty(post(picketd, f"events/{eid}/attachments/", many, FORM), 201)
    sentry.wait_for(lambda: len(sentry.items("attachment")) == 31)
    assert {e.event_id for e in sentry.envelopes()} == {eid}
    assert [i.payload for i in sentry.items("attachment")] == [b"x%d" % n for n in range(31)]


def test_attachment_refusals_p148(picketd):
    eid = wire.new_id()
    assert_error(post(picketd, "events/nonsense/attachments/", form([]), FORM), 400)
    assert_error(post(picketd, f"events/{eid}/attachments/", b"no form", FORM), 400)
    assert_error(post(picketd, f"events/{eid}/attachments/", form([])[:-6], FORM), 400)


# --- minidumps --------------------------------------------------------------


def assert_uuid(r):
    assert r.status == 200 and r.header("content-type") == "text/plain", r
    assert UUID.match(r.body.decode()), r
    return r.body.decode().replace("-", "")


@pytest.mark.parametrize("path", ["minidump", "minidump/"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_bare_minidump_becomes_an_envelope(picketd, sentry, path, packed):
    body = gzip.compress(DUMP) if packed else DUMP
    eid = assert_uuid(post(picketd, path, body, ("Content-Type", "application/x-dmp")))
    got = sentry.wait_event(eid).envelope
    assert got.items[0].payload == DUMP
    assert got.items[0].headers == {"type": "attachment", "filename": "Minidump",
                                    "attachment_type": "event.minidump", "length": len(DUMP)}
    assert_empty_spool_adds_up(picketd)
    assert picketd.delivered("error") == 1


def test_a_minidump_form_is_given_an_id_p147(picketd, sentry):
    body = form([("upload_file_minidump", "crash.dmp", DUMP), ("sentry[release]", None, b"1.0")])
    eid = assert_uuid(post(picketd, "minidump/", body, FORM))
    got = sentry.wait_carried("minidump/")
    added = (b'--x-y-z\r\nContent-Disposition: form-data; name="sentry[event_id]"\r\n\r\n'
             + eid.encode() + b"\r\n")
    end = body.rindex(b"--x-y-z--")
    assert got.body == body[:end] + added + body[end:]
    assert got.header("content-type") == FORM[1]
    assert_empty_spool_adds_up(picketd)
    assert picketd.delivered("error") == 1


@pytest.mark.parametrize("fields", [
    [("sentry[event_id]", None, b"%s")],
    [("sentry", None, b'{"event_id":"%s"}')],
    [("sentry__2", None, b'%s"}'), ("sentry__1", None, b'{"event_id":"')],
    [("__sentry-event", "__sentry-event", b"\x81\xa8event_id\xd9\x20%s")],
], ids=["field", "json", "pieces", "msgpack"])
def test_a_minidump_form_keeps_its_id_p147(picketd, sentry, fields):
    eid = wire.new_id()
    told = [(n, f, d.replace(b"%s", eid.encode())) for n, f, d in fields]
    body = form([("upload_file_minidump", "crash.dmp", gzip.compress(DUMP))] + told)
    assert assert_uuid(post(picketd, "minidump", body, FORM)) == eid
    assert sentry.wait_carried("minidump/").body == body


def test_minidump_refusals_p147(picketd):
    assert_error(post(picketd, "minidump/", b"ELF"), 400)
    assert_error(post(picketd, "minidump/", b""), 400)
    assert_error(post(picketd, "minidump/", form([("a", None, b"b")]), FORM), 400)
    assert_error(post(picketd, "minidump/", form([("upload_file_minidump", "x", b"ELF")]), FORM),
                 400)
    assert_error(post(picketd, "minidump/", DUMP, authorized=False), 401)


# --- requests that go on as they came ----------------------------------------


@pytest.mark.parametrize("path", ["security/", "csp-report/"])
def test_security_reports_p146(picketd, sentry, path):
    body = b'{"csp-report": {"document-uri":"http://a/"}}'
    r = ask(picketd, "POST", f"/api/42/{path}?sentry_key={KEY}&sentry_release=1.0"
            "&sentry_environment=dev", [("Content-Type", "application/csp-report"),
                                        ("User-Agent", "Browser/1")], body, authorized=False)
    assert_empty(r, 200)
    got = sentry.wait_carried(path)
    assert got.body == body and got.query == "sentry_release=1.0&sentry_environment=dev"
    assert got.header("content-type") == "application/csp-report"
    assert got.header("user-agent") == "Browser/1"
    assert_empty_spool_adds_up(picketd)
    assert picketd.delivered("security") == 1


def test_security_refusals_p146(picketd):
    html = ("Content-Type", "text/html")
    assert_error(post(picketd, "security/", b"{}", html), 415)
    assert_error(post(picketd, "security/", b"", ("Content-Type", "application/csp-report")), 400)
    assert_error(post(picketd, "nel/", b"[]", html), 415)


def test_nel_reports(picketd, sentry):
    r = ask(picketd, "POST", f"/api/42/nel/?sentry_key={KEY}&sentry_release=1.0&x=y"
            "&sentry_environment=dev", [("Content-Type", "application/reports+json")], b"[{}]",
            authorized=False)
    assert_empty(r, 200)
    got = sentry.wait_carried("nel/")
    assert got.body == b"[{}]" and got.query == "sentry_release=1.0&sentry_environment=dev"
    assert_empty_spool_adds_up(picketd)
    assert picketd.delivered("log_item") == 1


def test_unreal_reports_have_the_key_of_their_new_project(picketd, sentry):
    body = b"\x78\x9c\x00" + DUMP
    r = ask(picketd, "POST", f"/api/42/unreal/{KEY}/?UserID=a%7Cb", [], body, authorized=False)
    assert_uuid(r)
    got = sentry.wait_carried(f"unreal/{wire.UPSTREAM_KEY}/")
    assert got.body == body and got.query == "UserID=a%7Cb" and got.project == "7"
    assert_error(ask(picketd, "POST", f"/api/42/unreal/{KEY}/", [], body), 401)
    assert_error(ask(picketd, "POST", f"/api/42/unreal/{KEY}/", [], b"", authorized=False), 400)


def protobuf(field, data):
    assert len(data) < 128
    return bytes([field << 3 | 2, len(data)]) + data


OTLP = protobuf(1, protobuf(2, protobuf(2, b"\x0a\x02ab") + protobuf(2, b"")))
OTLP_JSON = {"traces": b'{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]}]}]}',
             "logs": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]}'}


@pytest.mark.parametrize("encoding", [None, "gzip"])
@pytest.mark.parametrize("kind", ["traces", "logs"])
@pytest.mark.parametrize("base", ["integration/otlp/v1/", "otlp/v1/"])
def test_otlp_p149(picketd, sentry, base, kind, encoding):
    for body, media in ((OTLP, "application/x-protobuf"), (OTLP_JSON[kind], "application/json")):
        head = [("Content-Type", media), ("X-Sentry-Auth", f"sentry sentry_key={KEY}")]
        if encoding:
            head.append(("Content-Encoding", encoding))
        r = ask(picketd, "POST", f"/api/42/{base}{kind}", head, wire.encode(encoding, body),
                authorized=False)
        assert_empty(r, 200)
        sentry.wait_for(lambda b=body: any(q.is_ok and q.rest == base + kind and q.body == b
                                           for q in sentry.requests))
        got = [q for q in sentry.accepted() if q.body == body][-1]
        assert got.header("content-type") == media
    assert_empty_spool_adds_up(picketd)
    assert picketd.delivered("span" if kind == "traces" else "log_item") == 4


def test_otlp_refusals_p149(picketd):
    path = "integration/otlp/v1/traces"
    assert_error(post(picketd, path, OTLP, ("Content-Type", "text/plain")), 415)
    assert_error(post(picketd, path, OTLP[:-1], ("Content-Type", "application/x-protobuf")), 400)
    assert_error(post(picketd, path, b"[]", JSON), 400)
    assert_error(ask(picketd, "GET", f"/api/42/{path}"), 405)


@pytest.mark.parametrize("path", ["integration/vercel/logs/", "integration/heroku/logs"])
def test_log_drains(picketd, sentry, path):
    r = post(picketd, path, b"83 <40>1 x", ("Content-Type", "application/logplex-1"),
             ("Logplex-Msg-Count", "1"))
    assert_empty(r, 202)
    got = sentry.wait_carried(path)
    assert got.body == b"83 <40>1 x" and got.header("logplex-msg-count") == "1"


def test_playstation(picketd, sentry):
    r = post(picketd, "playstation/", b"{}",
             ("Content-Type", "application/vnd.sce.crs.datareq-request+json"))
    assert r.status == 200 and r.json() == {"parts": {"upload": ["corefile", "screenshot"]}}
    body = form([("corefile", "a.prosperodmp", b"\x7fELF")])
    assert_uuid(post(picketd, "playstation/", body, FORM))
    assert sentry.wait_carried("playstation/").body == body


def test_paths_nobody_knows_go_on_design_12_12(picketd, sentry):
    r = post(picketd, "brand/new?x=1&sentry_key_=2", b"hello", ("Content-Type", "text/x"),
             ("X-Mine", "1"), ("Cookie", "a=b"), ("Connection", "close, X-Hop"), ("X-Hop", "1"),
             ("Authorization", "Bearer secret"), ("X-Forwarded-Host", "h"))
    assert_empty(r, 202)
    got = sentry.wait_carried("brand/new")
    assert got.body == b"hello" and got.query == "x=1&sentry_key_=2"
    assert got.header("x-mine") == "1" and got.header("content-type") == "text/x"
    for name in ("cookie", "x-hop", "authorization", "x-forwarded-host"):
        assert got.header(name) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_methods_go_on_design_12_12(picketd, sentry, method):
    r = ask(picketd, method, "/api/42/brand/new", body=b"x" if method[0] == "P" else None)
    assert r.status == 202
    got = sentry.wait_carried("brand/new")
    assert got.method == method and got.body == (b"x" if method[0] == "P" else b"")


def test_carried_requests_survive_kill_9(picketd, sentry):
    sentry.down()
    assert post(picketd, "brand/new", b"hello").status == 202
    assert_uuid(post(picketd, "minidump/",
                     form([("upload_file_minidump", "crash.dmp", DUMP)]), FORM))
    picketd.kill9()
    picketd.start()
    sentry.up()
    assert sentry.wait_carried("brand/new", 40).body == b"hello"
    sentry.wait_carried("minidump/", 40)


# --- what is not taken -------------------------------------------------------


@pytest.mark.parametrize("method,path,word", [
    ("POST", "/api/42/upload/", "upload"),
    ("PATCH", "/api/42/upload/abc/", "upload"),
    ("GET", "/api/0/organizations/x/", "web API"),
    ("POST", "/api/0/projects/x/y/files/dsyms/", "web API"),
])
def test_what_cannot_be_buffered_is_404_p150(picketd, method, path, word):
    r = ask(picketd, method, path, body=None if method == "GET" else b"")
    assert_error(r, 404)
    assert word in r.json()["detail"]


def test_spotlight_needs_dev(picketd):
    assert_error(ask(picketd, "POST", "/stream", [], wire.event(), authorized=False), 404)


def test_spotlight_in_dev(make_daemon, sentry):
    d = make_daemon(sentry, args=None, wait=None)
    d.args = ["-c", str(d.conf_file), "--dev"]
    d.start()
    eid = wire.new_id()
    r = ask(d, "POST", "/stream", [("Content-Type", "application/x-sentry-envelope")],
            wire.event(eid), authorized=False)
    assert r.status == 200 and r.json() == {"id": eid}
    sentry.wait_event(eid)
    assert_error(ask(d, "POST", "/stream", [], b"no envelope", authorized=False), 400)
    assert_error(ask(d, "GET", "/stream", authorized=False), 404)


def test_preflights_know_the_paths(make_daemon, sentry):
    d = make_daemon(sentry, conf={"listen": {"allow_origin": "https://good.example"}})
    head = [("Origin", "https://good.example"), ("Access-Control-Request-Method", "POST")]
    for path in ("store/", "security/", "integration/otlp/v1/traces"):
        r = ask(d, "OPTIONS", f"/api/42/{path}", head, authorized=False)
        assert r.status == 200
        assert r.header("access-control-allow-origin") == "https://good.example"


# --- limits -----------------------------------------------------------------


def test_crash_reporters_and_cron_never_hear_429_p102(picketd, sentry):
    sentry.script(Answer(200, headers=[("X-Sentry-Rate-Limits", "600::organization")]), times=1)
    picketd.send_event()
    picketd.wait_empty()
    assert_uuid(post(picketd, "minidump/", DUMP))
    assert_uuid(post(picketd, "minidump/",
                     form([("upload_file_minidump", "crash.dmp", DUMP)]), FORM))
    assert_uuid(ask(picketd, "POST", f"/api/42/unreal/{KEY}/", [], b"x", authorized=False))
    assert_uuid(post(picketd, "playstation/", b"x"))
    assert_empty(ask(picketd, "GET", "/api/42/cron/nightly?status=ok"), 202)
    r = post(picketd, "store/", b"{}")
    assert_error(r, 429)
    assert int(r.header("retry-after")) > 0
    assert_error(post(picketd, "nel/", b"[]", JSON), 429)
    # The figures follow with the next commit.
    wait_until(lambda: picketd.dropped("ratelimit_backoff", "error") == 5)
    wait_until(lambda: picketd.dropped("ratelimit_backoff", "monitor") == 1)
    wait_until(lambda: picketd.dropped("ratelimit_backoff", "log_item") == 1)
