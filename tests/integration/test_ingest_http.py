"""What a client may send over HTTP, and what it is answered (protocol 3 to 5)."""

import base64
import gzip
import os

import pytest

import client
import wire
from daemon import wait_until
from settings import SANITIZED
from wire import KEY, OTHER_KEY

PATH = "/api/42/envelope/"


def auth(key=KEY, more=""):
    return ("X-Sentry-Auth", f"Sentry sentry_key={key}, sentry_version=7{more}")


def assert_error(r, *statuses):
    """P-031: JSON detail and the same line in X-Sentry-Error."""
    assert r.status in statuses, r
    assert r.header("content-type") == "application/json"
    body = r.json()
    assert isinstance(body["detail"], str) and body["detail"] and "\n" not in body["detail"]
    if "causes" in body:
        assert body["causes"] and all(isinstance(c, str) for c in body["causes"])
    line = r.header("x-sentry-error")
    assert line and len(line) <= 200 and line.isascii() and line.isprintable()
    if body["detail"].isascii() and len(body["detail"]) <= 200:
        assert line == body["detail"]


# --- credentials ------------------------------------------------------------

BASIC = base64.b64encode(f"{KEY}:".encode()).decode()
BASIC_SECRET = base64.b64encode(f"{KEY}:anything".encode()).decode()
SENTRY = f"sentry_key={KEY}, sentry_version=7"

ACCEPTED = {
    "x_sentry_auth": ([("X-Sentry-Auth", f"Sentry {SENTRY}")], ""),
    "lower_case_scheme": ([("X-Sentry-Auth", f"sentry {SENTRY}")], ""),
    "upper_case_scheme": ([("X-Sentry-Auth", f"SENTRY {SENTRY}")], ""),
    "no_blanks_after_commas": ([("X-Sentry-Auth",
                                 f"Sentry sentry_version=7,sentry_client=a/1,sentry_key={KEY}")], ""),
    "unknown_parameters": ([("X-Sentry-Auth",
                             f"Sentry {SENTRY}, sentry_timestamp=1, sentry_secret=s, x=y")], ""),
    "key_alone": ([("X-Sentry-Auth", f"Sentry sentry_key={KEY}")], ""),
    "version_with_fraction": ([("X-Sentry-Auth",
                                f"Sentry sentry_key={KEY}, sentry_version=7.1")], ""),
    "old_version": ([("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=5")], ""),
    "flags_after_the_key": ([("X-Sentry-Auth", f"Sentry sentry_key={KEY}.no-cache")], ""),
    "authorization_sentry": ([("Authorization", f"Sentry {SENTRY}")], ""),
    "authorization_basic": ([("Authorization", f"Basic {BASIC}")], ""),
    "authorization_basic_with_password": ([("Authorization", f"basic {BASIC_SECRET}")], ""),
    "bearer_is_ignored": ([("Authorization", "Bearer x"), ("X-Sentry-Auth",
                                                           f"Sentry {SENTRY}")], ""),
    "query": ([], f"?sentry_key={KEY}&sentry_version=7&sentry_client=js%2F1"),
    "query_without_version": ([], f"?sentry_key={KEY}"),
    "header_and_query_without_key": ([("X-Sentry-Auth", f"Sentry {SENTRY}")],
                                     "?sentry_release=1"),
    "short_local_key": ([("X-Sentry-Auth", "Sentry sentry_key=app_1-x, sentry_version=7")], ""),
}

REFUSED = {
    "none": ([], "", 401),
    "bearer_only": ([("Authorization", "Bearer x")], "", 401),
    "header_and_query": ([("X-Sentry-Auth", f"Sentry {SENTRY}")], f"?sentry_key={KEY}", 401),
    "two_headers": ([("X-Sentry-Auth", f"Sentry {SENTRY}"),
                     ("Authorization", f"Sentry {SENTRY}")], "", 401),
    "empty_key": ([("X-Sentry-Auth", "Sentry sentry_key=, sentry_version=7")], "", 401),
    "no_key": ([("X-Sentry-Auth", "Sentry sentry_version=7")], "", 401),
    "version_8": ([("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=8")], "", 400),
    "version_x": ([("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=x")], "", 401),
    "key_with_odd_bytes": ([("X-Sentry-Auth", "Sentry sentry_key=a!b, sentry_version=7")],
                           "", 400),
    "key_too_long": ([("X-Sentry-Auth", f"Sentry sentry_key={'a' * 65}")], "", 400),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_credentials_accepted_p016_p017_p018_p020_p024(picketd, sentry, name):
    headers, query = ACCEPTED[name]
    eid = wire.new_id()
    r = client.once(picketd.http, "POST", PATH + query, headers, wire.event(eid))
    assert r.status == 200, r
    assert sentry.wait_event(eid).key == wire.UPSTREAM_KEY


@pytest.mark.parametrize("name", REFUSED)
def test_credentials_refused_p019_p022_p024_p025(picketd, name):
    headers, query, status = REFUSED[name]
    r = client.once(picketd.http, "POST", PATH + query, headers, wire.event())
    assert_error(r, status)
    assert picketd.totals()["received"] == {}, "what was refused at intake is not counted (P-123)"


def test_dsn_in_the_envelope_header_is_credentials_p021(picketd, sentry):
    eid = wire.new_id()
    body = wire.event(eid, headers={"dsn": picketd.dsn()})
    assert client.once(picketd.http, "POST", PATH, [], body).status == 200
    sentry.wait_event(eid)


@pytest.mark.parametrize("body,status", [
    (b"not json\n", 401),
    (b'{"dsn":"nonsense"}\n', 401),
    (b'{"dsn":5}\n', 401),
    (wire.compact({"dsn": f"http://{KEY}@h/43"}) + b"\n", 400),
    (b'{\n"dsn":"http://' + KEY.encode() + b'@h/42"\n}\n', 401),
])
def test_unusable_dsn_header_p022(picketd, body, status):
    assert_error(client.once(picketd.http, "POST", PATH, [], body), status)


@pytest.mark.parametrize("dsn,status", [
    (f"https://{KEY}@somewhere.example:444/prefix/42", 200),
    (f"https://{OTHER_KEY}@somewhere.example/42", 400),
    (f"https://{KEY}@somewhere.example/43", 400),
    ("mailto:x", 400),
])
def test_dsn_header_must_agree_with_the_request_p023(picketd, dsn, status):
    r = picketd.send(wire.event(headers={"dsn": dsn}))
    assert r.status == status, r


# --- encodings --------------------------------------------------------------


@pytest.mark.parametrize("encoding,label", [
    ("identity", None), ("identity", ""), ("identity", "identity"), ("identity", "utf-8"),
    ("gzip", "gzip"), ("gzip", "GZIP"), ("gzip", " gzip "), ("gzip", "x-gzip"),
    ("deflate", "deflate"), ("deflate-raw", "deflate"), ("br", "br"), ("zstd", "zstd"),
    ("zstd", "Zstd"),
])
def test_every_encoding_gives_the_same_envelope_p008_p009(picketd, sentry, encoding, label):
    eid = wire.new_id()
    payload = wire.event_payload(eid, blob="x" * 3000 + "ü")
    body = wire.build({"event_id": eid}, [({"type": "event"}, payload)])
    headers = [auth()] + ([("Content-Encoding", label)] if label is not None else [])
    r = client.once(picketd.http, "POST", PATH, headers, wire.encode(encoding, body))
    assert r.status == 200, r
    assert sentry.wait_event(eid).envelope.items[0].payload == payload


@pytest.mark.parametrize("label", ["compress", "gzip, br", "bzip2", "gzip,gzip"])
def test_unknown_encodings_are_415_p009(picketd, label):
    r = client.once(picketd.http, "POST", PATH, [auth(), ("Content-Encoding", label)],
                    wire.event())
    assert_error(r, 415)


def test_multi_member_gzip_is_one_body(picketd, sentry):
    eid = wire.new_id()
    body = wire.event(eid)
    data = gzip.compress(body[:40]) + gzip.compress(body[40:])
    r = client.once(picketd.http, "POST", PATH, [auth(), ("Content-Encoding", "gzip")], data)
    assert r.status == 200, r
    sentry.wait_event(eid)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "flipped"])
def test_corrupt_streams_are_400_p010(picketd, encoding, damage):
    # Random bytes do not compress, so that cutting always cuts data.
    data = wire.encode(encoding, wire.event(blob=os.urandom(4000).hex()))
    data = {"truncated": data[:len(data) // 2], "garbage": b"\xff\x00garbage" * 50,
            "flipped": data[:10] + bytes(b ^ 0x5A for b in data[10:60]) + data[60:]}[damage]
    r = client.once(picketd.http, "POST", PATH, [auth(), ("Content-Encoding", encoding)], data)
    assert_error(r, 400)


def peak_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_413_within_its_memory_p011(make_daemon, sentry, encoding):
    d = make_daemon(sentry, {"limits": {"envelope": "8M"}})
    before = peak_kib(d.pid)
    bomb = wire.encode(encoding, b'{"event_id":"' + b"0" * (128 << 20))
    assert len(bomb) < 2 << 20
    r = client.once(d.http, "POST", PATH, [auth(), ("Content-Encoding", encoding)], bomb)
    assert_error(r, 413)
    if not SANITIZED:  # the sanitizer's own memory would be measured
        assert peak_kib(d.pid) - before < 24 * 1024
    d.send_event()


# --- HTTP -------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [[1], [2, 3, 5, 7], [13], [1000], [1, 100000]])
def test_chunk_boundaries_at_any_byte_p012(picketd, sentry, cuts):
    eid = wire.new_id()
    r = client.once(picketd.http, "POST", PATH, [auth(), ("Transfer-Encoding", "chunked")],
                    client.chunked(wire.event(eid), cuts))
    assert r.status == 200, r
    sentry.wait_event(eid)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_chunked_and_compressed_p012(picketd, sentry, encoding):
    eid = wire.new_id()
    data = wire.encode(encoding, wire.event(eid, blob=os.urandom(2000).hex()))
    r = client.once(picketd.http, "POST", PATH,
                    [auth(), ("Transfer-Encoding", "chunked"), ("Content-Encoding", encoding)],
                    client.chunked(data, [1, 2, 3, 97]))
    assert r.status == 200, r
    sentry.wait_event(eid)


def test_the_head_may_come_byte_by_byte(picketd):
    with picketd.conn() as c:
        eid = wire.new_id()
        head, _, body = client.request_bytes("POST", PATH, [auth()],
                                             wire.event(eid)).partition(b"\r\n\r\n")
        for byte in head + b"\r\n\r\n":
            c.send(bytes([byte]))
        c.send(body)
        assert c.read().json() == {"id": eid}


def test_expect_100_continue_is_answered_before_the_body_p013(picketd, sentry):
    eid = wire.new_id()
    body = wire.event(eid)
    with picketd.conn() as c:
        c.send(client.request_bytes("POST", PATH, [auth(), ("Expect", "100-continue"),
                                                   ("Content-Length", len(body))]))
        assert c.read().status == 100
        c.send(body)
        assert c.read().status == 200
    sentry.wait_event(eid)


def test_expect_with_a_body_over_the_limit_is_413_at_once(make_daemon, sentry):
    d = make_daemon(sentry, {"limits": {"envelope": "1M"}})
    with d.conn() as c:
        c.send(client.request_bytes("POST", PATH, [auth(), ("Expect", "100-continue"),
                                                   ("Content-Length", 2 << 20)]))
        assert_error(c.read(), 413)


def test_a_declared_length_over_the_limit_is_413_before_the_body(make_daemon, sentry):
    d = make_daemon(sentry, {"limits": {"envelope": "1M"}})
    with d.conn() as c:
        c.send(client.request_bytes("POST", PATH, [auth(), ("Content-Length", 2 << 20)]))
        assert_error(c.read(), 413)


def test_an_endless_chunked_body_is_413(make_daemon, sentry):
    d = make_daemon(sentry, {"limits": {"envelope": "1M"}})
    with d.conn() as c:
        c.send(client.request_bytes("POST", PATH, [auth(), ("Transfer-Encoding", "chunked")]))
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            for _ in range(400):
                c.send(piece)
        except OSError:
            pass  # closed on us: right, it has heard enough
        try:
            assert_error(c.read(), 413)
        except client.Closed:
            pass  # our late bytes met a closed socket and took the answer with them
    d.send_event()


@pytest.mark.parametrize("content_type", [
    None, "application/x-sentry-envelope", "text/plain", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/json", "nonsense"])
def test_any_content_type_p014(picketd, sentry, content_type):
    eid = wire.new_id()
    headers = [auth()] + ([("Content-Type", content_type)] if content_type else [])
    assert client.once(picketd.http, "POST", PATH, headers, wire.event(eid)).status == 200
    sentry.wait_event(eid)


@pytest.mark.parametrize("headers,body", [
    ([("Content-Length", "0")], b""), ([], None),
    ([("Transfer-Encoding", "chunked")], b"0\r\n\r\n"),
    ([("Content-Encoding", "gzip")], gzip.compress(b"")),
], ids=["length_0", "no_length", "chunked", "gzip"])
def test_an_empty_body_is_400_p015(picketd, headers, body):
    assert_error(client.once(picketd.http, "POST", PATH, [auth()] + headers, body), 400)


@pytest.mark.parametrize("path", ["/api/42/envelope", "/api/42/envelope/", "//api//42//envelope/",
                                  "/api/42/envelope//", "///api/42/envelope"])
def test_slashes_p005(picketd, sentry, path):
    eid = wire.new_id()
    assert client.once(picketd.http, "POST", path, [auth()], wire.event(eid)).status == 200
    sentry.wait_event(eid)


@pytest.mark.parametrize("path", ["/nothing", "/api/", "/api/42/", "/healthzz", "/%00",
                                  "/../etc/passwd", "/api/42/../7/envelope/", "/api/42/%2E./x"])
def test_unknown_paths_are_404_p006(picketd, path):
    assert_error(client.once(picketd.http, "POST", path, [auth()], wire.event()), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_wrong_methods_are_405_p006(picketd, method):
    r = client.once(picketd.http, method, PATH, [auth()], b"" if method != "GET" else None)
    assert_error(r, 405)
    assert "POST" in (r.header("allow") or "")


@pytest.mark.parametrize("project", ["abc", "0", "-1", "1x", "99999999999999999999999"])
def test_bad_projects_are_400(picketd, project):
    r = client.once(picketd.http, "POST", f"/api/{project}/envelope/", [auth()], wire.event())
    assert_error(r, 400)


def test_a_configured_prefix_is_stripped_p007(make_daemon, sentry):
    d = make_daemon(sentry, {"listen": {"path_prefix": "/errors/in"}})
    eid = wire.new_id()
    r = client.once(d.http, "POST", "/errors/in/api/42/envelope/", [auth()], wire.event(eid))
    assert r.status == 200, r
    sentry.wait_event(eid)


def test_keep_alive_serves_1000_requests_p027(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"durability": "lazy"}})
    ids = [wire.new_id() for _ in range(1000)]
    with d.conn() as c:
        for eid in ids:
            assert c.envelope(wire.event(eid)).json() == {"id": eid}
    sentry.wait_events(ids, 40)
    assert d.received("error") == 1000


def test_pipelined_requests_are_answered_in_order_p027(picketd, sentry):
    ids = [wire.new_id() for _ in range(60)]
    data = b""
    for n, eid in enumerate(ids):
        # A refusal needs no commit and must still wait for its turn.
        if n % 7 == 3:
            data += client.request_bytes("POST", PATH, [auth()], b"broken")
        elif n % 7 == 5:
            data += client.request_bytes("GET", "/healthz")
        else:
            data += client.request_bytes("POST", PATH, [auth()], wire.event(eid))
    with picketd.conn() as c:
        c.send(data)
        for n, eid in enumerate(ids):
            r = c.read()
            if n % 7 == 3:
                assert r.status == 400
            elif n % 7 == 5:
                assert r.status == 200
            else:
                assert r.json() == {"id": eid}
    sentry.wait_events([e for n, e in enumerate(ids) if n % 7 not in (3, 5)])


def test_http_1_0_is_served_and_closed(picketd, sentry):
    eid = wire.new_id()
    with picketd.conn() as c:
        r = c.request("POST", PATH, [auth()], wire.event(eid), version="HTTP/1.0", host=None)
        assert r.status == 200, r
        assert c.is_closed()
    sentry.wait_event(eid)


def test_connection_close_is_honoured(picketd):
    with picketd.conn() as c:
        r = c.request("POST", PATH, [auth(), ("Connection", "close")], wire.event())
        assert r.status == 200
        assert c.is_closed()


@pytest.mark.parametrize("data", [
    b"NONSENSE\r\n\r\n",
    b"POST\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    b"POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    b"Content-Length: 6\r\n\r\nhello",
    b"POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"zz\r\n",
    b"POST /api/42/envelope/ HTTP/1.1\r\nHost localhost\r\n\r\n",
    b"POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\nX\x00Y: 1\r\n\r\n",
])
def test_broken_http_is_refused_and_closed(picketd, data):
    with picketd.conn() as c:
        c.send(data)
        try:
            r = c.read()
            assert 400 <= r.status < 500, r
            assert c.is_closed()
        except client.Closed:
            pass
    picketd.send_event()


def test_accepted_answer_p028_p029_p030(picketd, sentry):
    dashed = "9EC79C33-EC99-42AB-8353-589FCB2E04DC"
    r = picketd.send(wire.build({"event_id": dashed}, [({"type": "event"}, b"{}")]))
    assert r.status == 200 and r.header("content-type") == "application/json"
    assert r.body == b'{"id":"9ec79c33ec9942ab8353589fcb2e04dc"}'
    assert picketd.send(wire.session()).body == b"{}"
    sentry.wait_requests(2)
    eid = wire.new_id()
    assert picketd.send(wire.compact({"event_id": eid}) + b"\n").json() == {"id": eid}
    assert picketd.send(b"{}").json() == {}
    picketd.wait_empty()
    last = picketd.send_event()
    sentry.wait_event(last)
    assert len(sentry.requests) == 3, "an envelope without items is not forwarded"


def test_deep_and_odd_payloads_are_carried_untouched_p118(picketd, sentry):
    odd = [b'{"n":18446744073709551615,"m":1e400,"s":"\\u0000","\\u0000k":1,"l":"\\ud800"}',
           b"[" * 5000 + b"]" * 5000, b'{"a":1,"a":2}', b"\xff\xfe not json at all", b"",
           b'{"x":0.1,"t":1742921669.158209}']
    for payload in odd:
        eid = wire.new_id()
        body = wire.build({"event_id": eid}, [({"type": "event"}, payload)])
        assert picketd.send(body).json() == {"id": eid}
        assert sentry.wait_event(eid).envelope.items[0].payload == payload


# --- who may ask ------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:4690", "127.0.0.1", "127.0.0.1:1",
                                  "[::1]", "[::1]:80", "127.8.8.8:4690"])
def test_loopback_hosts_are_served(picketd, host):
    assert client.once(picketd.http, "POST", PATH, [auth()], wire.event(),
                       host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.com",
                                  "169.254.169.254", "[::ffff:8.8.8.8]", "localhost@evil.example",
                                  ""])
def test_foreign_hosts_are_refused_over_tcp(picketd, host):
    r = client.once(picketd.http, "POST", PATH, [auth()], wire.event(), host=host)
    assert r.status in ((403,) if host else (400, 403)), r
    assert client.once(picketd.http, "GET", "/status", host=host).status in (400, 403)


def test_a_listed_host_is_served(make_daemon, sentry):
    d = make_daemon(sentry, {"listen": {"allow_host": "picket.internal, relay"}})
    for host, status in (("picket.internal", 200), ("relay:4690", 200), ("other", 403)):
        r = client.once(d.http, "POST", PATH, [auth()], wire.event(), host=host)
        assert r.status == status, (host, r)


def test_any_host_on_the_unix_socket(picketd):
    r = client.once(picketd.unix, "POST", PATH, [auth()], wire.event(), host="anything.example")
    assert r.status == 200


def test_a_page_may_not_post_without_allow_origin(picketd):
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        r = client.once(picketd.http, "POST", PATH, [auth(), ("Origin", origin)], wire.event())
        assert_error(r, 403)
        assert r.header("access-control-allow-origin") is None
        r = client.once(picketd.http, "OPTIONS", PATH, [
            ("Origin", origin), ("Access-Control-Request-Method", "POST")])
        assert r.header("access-control-allow-origin") is None, "what a browser goes by"
    assert picketd.totals()["received"] == {}


def test_allowed_pages_get_cors_p026(make_daemon, sentry):
    d = make_daemon(sentry, {"listen": {"allow_origin": "https://app.example"}})
    origin = ("Origin", "https://app.example")
    r = client.once(d.http, "OPTIONS", PATH, [
        origin, ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type,x-sentry-auth")])
    assert r.status in (200, 204) and r.body == b""
    assert r.header("access-control-allow-origin") in ("*", "https://app.example")
    assert "POST" in r.header("access-control-allow-methods")
    allowed = {h.strip() for h in r.header("access-control-allow-headers").lower().split(",")}
    assert {"x-sentry-auth", "content-type", "content-encoding", "authorization"} <= allowed
    assert r.header("access-control-max-age") == "3600"

    for body, status in ((wire.event(), 200), (b"broken", 400)):
        r = client.once(d.http, "POST", PATH, [auth(), origin], body)
        assert r.status == status
        assert r.header("access-control-allow-origin") in ("*", "https://app.example")
        exposed = r.header("access-control-expose-headers").lower()
        assert {"x-sentry-error", "x-sentry-rate-limits", "retry-after"} <= {
            h.strip() for h in exposed.split(",")}
        assert r.header("access-control-allow-credentials") is None
    r = client.once(d.http, "POST", PATH, [auth(), ("Origin", "https://evil.example")],
                    wire.event())
    assert r.status == 403


def test_head_and_options_without_origin(picketd):
    with picketd.conn() as c:
        r = c.request("HEAD", "/healthz")
        assert r.status == 200 and r.body == b""
        r = c.request("OPTIONS", PATH)
        assert r.status in (200, 204) and r.body == b""
        assert c.request("HEAD", PATH).status == 405
        assert c.envelope(wire.event()).status == 200


def test_only_listed_users_reach_the_unix_socket(make_daemon, sentry):
    mine = os.getuid()
    d = make_daemon(sentry, {"listen": {"allow_uid": str(mine + 1)}}, wait=None)
    d.ask_over = "tcp"
    d.start()
    try:
        r = client.once(d.unix, "POST", PATH, [auth()], wire.event())
        assert r.status == 403, r
    except (client.Closed, OSError):
        pass
    assert client.once(d.http, "POST", PATH, [auth()], wire.event()).status == 200
    d.set("listen", allow_uid=str(mine))
    d.reload()
    assert client.once(d.unix, "POST", PATH, [auth()], wire.event()).status == 200


# --- limits (P-062, P-064) --------------------------------------------------


def test_an_event_of_exactly_the_limit_p062(picketd, sentry):
    eid = wire.new_id()
    assert picketd.send(wire.event_of_size(wire.MIB, eid)).status == 200
    assert len(sentry.wait_event(eid, 20).envelope.items[0].payload) == wire.MIB
    assert_error(picketd.send(wire.event_of_size(wire.MIB + 1)), 413)


def test_an_item_beyond_the_configured_limits_is_refused_p064(picketd, sentry):
    items = [({"type": "check_in"}, b"{" + b" " * (100 * 1024) + b"}")]
    assert_error(picketd.send(wire.build({}, items)), 413)
    assert picketd.totals()["received"] == {}
    last = picketd.send_event()
    sentry.wait_event(last)
    picketd.wait_empty()
    # The fake Sentry checks each envelope against the table.


@pytest.mark.parametrize("items", [
    [({"type": "session"}, b'{"started":"2026-01-01T00:00:00Z"}')] * 101,
    [({"type": "attachment", "filename": "a"}, b"x")] * 31,
    [({"type": "event"}, b'{"n":1}'), ({"type": "event"}, b'{"n":2}')],
    [({"type": "event"}, b"{}"), ({"type": "replay_event"}, b'{"n":1}')],
    [({"type": "check_in"}, b'{"n":1}'), ({"type": "check_in"}, b'{"n":2}')],
], ids=["101_sessions", "31_attachments", "two_events", "event_and_replay", "two_check_ins"])
def test_what_sentry_finds_too_many_arrives_in_parts_p063_p065(picketd, sentry, items):
    """Nothing of it is lost, and no envelope is one that Sentry refuses."""
    sentry.refuses_by_table = True
    assert picketd.send(wire.build({"event_id": wire.new_id()}, items)).status == 200
    picketd.wait_empty()
    assert sorted(sentry.payloads()) == sorted(payload for _, payload in items)


def test_configured_limits_are_enforced_and_reloaded(make_daemon, sentry):
    d = make_daemon(sentry, {"limits": {"event": "2K", "items": 3, "header": "1K"}})
    assert d.send(wire.event_of_size(2048)).status == 200
    assert_error(d.send(wire.event_of_size(2049)), 413)
    four = wire.build({}, [({"type": "future"}, b"x")] * 4)
    assert_error(d.send(four), 413, 400)
    assert_error(d.send(wire.event(headers={"pad": "x" * 1100})), 413, 400)
    d.set("limits", event="3K")
    d.reload()
    assert d.send(wire.event_of_size(2049)).status == 200


def test_a_wrong_item_count_is_corrected_p067(picketd, sentry):
    body = wire.build({}, [({"type": "log", "item_count": 9, "content_type": wire.LOG_TYPE},
                            wire.logs_payload(["a", "b"]))])
    assert picketd.send(body).status == 200
    sentry.wait_for(lambda: sentry.items("log"))
    assert sentry.items("log")[0].headers["item_count"] == 2
    assert picketd.received("log_item") == 2


def test_an_unreadable_container_is_counted_invalid_p069(picketd, sentry):
    body = wire.build({}, [({"type": "log", "item_count": 2, "content_type": wire.LOG_TYPE},
                            b'{"items":[{},')])
    assert picketd.send(body).status == 200
    wait_until(lambda: picketd.dropped("invalid", "log_item") == 2, what="the count")
    sentry.wait_for(lambda: sentry.discarded()["invalid", "log_item"] == 2)
