"""P-001 to P-027: addresses, paths, encodings, credentials, connections."""

import base64
import gzip
import os
import subprocess

import pytest

import client
import wire
from helpers import AUTH, PATH, QUICK, assert_error, post, post_ok
from settings import PICKETD, SANITIZED
from wire import KEY, OTHER_KEY, UPSTREAM_KEY

SENTRY = f"sentry_key={KEY}, sentry_version=7"


def header(value, name="X-Sentry-Auth"):
    return [(name, value)]


def accepted(relay, headers, query="", body=None):
    """True if a request with these credentials reaches the upstream."""
    eid = wire.new_id()
    r = post(relay.d, body or wire.event(eid), headers, PATH + query)
    if r.status != 200:
        return r
    assert relay.sentry.wait_event(r.json()["id"]).key == UPSTREAM_KEY
    return True


# --- addresses and paths ----------------------------------------------------


def test_P001_a_dsn_gives_the_envelope_url(relay):
    eid = wire.new_id()
    post_ok(relay.d, wire.event(eid))
    got = relay.sentry.wait_event(eid)
    assert got.target == f"/api/{relay.sentry.project}/envelope/"
    assert got.header("host") == relay.sentry.host
    assert got.key == relay.sentry.key


def test_P002_a_prefix_comes_before_api(make_daemon, make_sentry):
    s = make_sentry(prefix="/a/b", project="9")
    assert s.wait_event(make_daemon(s).send_event()).target == "/a/b/api/9/envelope/"


@pytest.mark.parametrize("form", ["http://{key}:@{host}/42/", "http://{key}@{host}/42/",
                                  "http://{key}:@{host}/42"])
def test_P003_last_slash_and_empty_secret_mean_nothing(make_daemon, make_sentry, form):
    s = make_sentry(project="42")
    d = make_daemon(None, {"upstream": {"dsn": form.format(key=s.key, host=s.host)}})
    got = s.wait_event(d.send_event())
    assert got.target == "/api/42/envelope/" and got.auth["key"] == s.key
    assert "secret" not in got.auth


@pytest.mark.parametrize("dsn,word", [
    (f"ftp://{KEY}@h/1", "http"), ("https://@h/1", "key"), ("https://h/1", "key"),
    (f"https://{KEY}@/1", "host"), (f"https://{KEY}@h/", "project"),
    (f"https://{KEY}@h", "project"),
    (f"https://{KEY}@h/abc", "project")])
def test_P004_a_bad_dsn_is_refused_and_its_fault_named(tmp_path, dsn, word):
    conf = tmp_path / "p.conf"
    conf.write_text(f"[upstream]\ndsn = {dsn}\n")
    done = subprocess.run([PICKETD, "--check", "-c", str(conf)], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 78
    assert f"{conf}:2: upstream.dsn" in done.stderr and word in done.stderr, done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize("path", ["/api/42/envelope", "/api/42/envelope/",
                                  "//api//42//envelope/", "/api/42/envelope//"])
def test_P005_slashes_too_few_and_too_many(relay, path):
    eid = wire.new_id()
    post_ok(relay.d, wire.event(eid), path=path)
    relay.sentry.wait_event(eid)


def test_P006_wrong_method_and_unknown_path(relay):
    r = client.once(relay.d.http, "GET", PATH, [AUTH])
    assert_error(r, 405)
    assert "POST" in r.header("allow")
    assert_error(client.once(relay.d.http, "GET", "/nowhere"), 404)
    assert_error(post(relay.d, wire.event(), path="/nowhere/"), 404)


def test_P007_a_configured_prefix_is_taken_off(make_daemon, sentry):
    d = make_daemon(sentry, {"listen": {"path_prefix": "/in/errors"}})
    eid = wire.new_id()
    post_ok(d, wire.event(eid), path="/in/errors/api/42/envelope/")
    sentry.wait_event(eid)


# --- bodies -----------------------------------------------------------------


def send_encoded(relay, how, label):
    eid = wire.new_id()
    payload = wire.event_payload(eid, text="ä€" * 700, noise=os.urandom(500).hex())
    body = wire.build({"event_id": eid}, [({"type": "event"}, payload)])
    headers = [AUTH] + ([("Content-Encoding", label)] if label is not None else [])
    post_ok(relay.d, wire.encode(how, body), headers)
    assert relay.sentry.wait_event(eid).envelope.items[0].payload == payload


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate", "br", "zstd"])
def test_P008_each_encoding_gives_the_same_envelope(relay, encoding):
    send_encoded(relay, encoding, encoding)


@pytest.mark.parametrize("how,label", [
    ("gzip", "x-gzip"), ("gzip", "GZIP"), ("gzip", "  gzip\t"), ("identity", ""),
    ("identity", "utf-8"), ("identity", None), ("deflate-raw", "deflate"), ("zstd", "ZSTD")])
def test_P009_odd_spellings_of_encodings(relay, how, label):
    send_encoded(relay, how, label)


@pytest.mark.parametrize("label", ["compress", "gzip, br", "snappy"])
def test_P009_unknown_encodings_are_415(relay, label):
    assert_error(post(relay.d, wire.event(), [AUTH, ("Content-Encoding", label)]), 415)


def test_P010_a_truncated_gzip_is_400(relay):
    data = gzip.compress(wire.event(noise=os.urandom(2000).hex()))
    for cut in (11, len(data) // 2, len(data) - 1):
        assert_error(post(relay.d, data[:cut], [AUTH, ("Content-Encoding", "gzip")]), 400)


def peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) * 1024


def test_P011_a_bomb_costs_no_more_than_the_limit(make_daemon, sentry):
    limit = 32 << 20
    d = make_daemon(sentry, {"limits": {"envelope": "32M"}})
    member = gzip.compress(b'{"event_id":"' + b"0" * (16 << 20))
    bomb = member * ((1 << 20) // len(member))
    assert len(bomb) > 1000000
    before = peak(d.pid)
    assert_error(post(d, bomb, [AUTH, ("Content-Encoding", "gzip")]), 413)
    if not SANITIZED:  # a sanitizer keeps what is freed
        assert peak(d.pid) - before < limit * 1.1
    d.send_event()


@pytest.mark.parametrize("cuts", [[1], [2, 3, 5, 7, 11], [64]])
def test_P012_chunks_cut_anywhere(relay, cuts):
    eid = wire.new_id()
    post_ok(relay.d, client.chunked(wire.event(eid), cuts),
            [AUTH, ("Transfer-Encoding", "chunked")])
    relay.sentry.wait_event(eid)


def test_P013_continue_is_said_before_the_first_byte_of_the_body(relay):
    eid = wire.new_id()
    body = wire.event(eid)
    with relay.d.conn() as c:
        c.send(client.request_bytes("POST", PATH, [AUTH, ("Expect", "100-continue"),
                                                   ("Content-Length", len(body))]))
        assert c.read().status == 100
        c.send(body)
        assert c.read().json() == {"id": eid}


@pytest.mark.parametrize("kind", [None, "application/x-sentry-envelope", "text/plain", "x",
                                  "multipart/form-data; boundary=b", "application/json",
                                  "application/x-www-form-urlencoded"])
def test_P014_any_content_type(relay, kind):
    eid = wire.new_id()
    post_ok(relay.d, wire.event(eid), [AUTH] + ([("Content-Type", kind)] if kind else []))
    relay.sentry.wait_event(eid)


def test_P015_an_empty_body(relay):
    assert_error(post(relay.d, b""), 400)
    assert_error(post(relay.d, gzip.compress(b""), [AUTH, ("Content-Encoding", "gzip")]), 400)


# --- credentials ------------------------------------------------------------


@pytest.mark.parametrize("value", [
    f"Sentry {SENTRY}", f"sentry {SENTRY}", f"Sentry sentry_version=7,sentry_key={KEY}",
    f"Sentry sentry_client=a/1, sentry_timestamp=5, {SENTRY}, colour=red",
    f"Sentry sentry_key={KEY}"])
def test_P016_spellings_of_x_sentry_auth(relay, value):
    assert accepted(relay, header(value)) is True


def test_P017_authorization_as_sentry_and_basic_but_not_bearer(relay):
    basic = base64.b64encode(f"{KEY}:anything".encode()).decode()
    for value in (f"Sentry {SENTRY}", f"Basic {basic}"):
        assert accepted(relay, header(value, "Authorization")) is True
    bearer = header("Bearer x", "Authorization")
    assert accepted(relay, bearer + header(f"Sentry {SENTRY}")) is True
    assert_error(accepted(relay, bearer), 401)


def test_P018_the_query_alone(relay):
    assert accepted(relay, [], f"?sentry_key={KEY}&sentry_version=7") is True


def test_P019_two_sources_of_credentials(relay):
    assert_error(accepted(relay, [AUTH], f"?sentry_key={KEY}"), 401)
    assert_error(accepted(relay, [AUTH] + header(f"Sentry {SENTRY}", "Authorization")), 401)


def test_P020_other_parameters_are_no_credentials(relay):
    assert accepted(relay, [AUTH], "?sentry_release=1&sentry_version=99") is True


def test_P021_the_dsn_of_the_envelope_is_enough(make_daemon, sentry, make_sentry):
    other = make_sentry(key=OTHER_KEY, project="9")
    d = make_daemon(sentry, {"project web": {"key": "web", "id": "5", "dsn": other.dsn}})
    a, b = wire.new_id(), wire.new_id()
    post_ok(d, wire.event(a, headers={"dsn": d.dsn()}), [])
    post_ok(d, wire.event(b, headers={"dsn": d.dsn("web", "5")}), [], "/api/5/envelope/")
    sentry.wait_event(a)
    other.wait_event(b)


def test_P022_no_credentials(relay):
    assert_error(post(relay.d, wire.event(), []), 401)
    assert_error(post(relay.d, b"this is not JSON\n", []), 401)


@pytest.mark.parametrize("dsn,status", [
    (f"http://{KEY}@elsewhere.example:99/p/42", 200), (f"http://{KEY}@h/43", 400),
    (f"http://{OTHER_KEY}@h/42", 400)])
def test_P023_the_dsn_header_agrees_with_the_request(relay, dsn, status):
    r = post(relay.d, wire.event(headers={"dsn": dsn}))
    assert r.status == status, r
    if status != 200:
        assert_error(r, status)


def test_P024_protocol_versions(relay):
    def with_version(v):
        return accepted(relay, header(f"Sentry sentry_key={KEY}, sentry_version={v}"))

    assert with_version("7.1") is True
    assert_error(with_version("8"), 400)
    assert_error(with_version("x"), 401)


def test_P025_impossible_and_forbidden_keys(make_daemon, sentry):
    """Local keys are freer than Sentry's: up to 64 letters, digits, - and _."""
    d = make_daemon(sentry, {"upstream": {"accept": "known"},
                             "project web": {"key": "web-1_X", "dsn": sentry.dsn}})
    eid = wire.new_id()
    post_ok(d, wire.event(eid), header("Sentry sentry_key=web-1_X"))
    sentry.wait_event(eid)
    assert_error(post(d, wire.event()), 403)
    for key in ("a!b", "a b", "k" * 65, "ключ".encode().decode("latin-1")):
        assert_error(post(d, wire.event(), header(f"Sentry sentry_key={key}")), 400)


def test_P026_pages_that_are_allowed_get_their_headers(make_daemon, sentry):
    """Without allow_origin no page may post at all; that is picket's own rule."""
    d = make_daemon(sentry, {"listen": {"allow_origin": "*"}})
    page = ("Origin", "https://app.example")
    r = client.once(d.http, "OPTIONS", PATH, [page, ("Access-Control-Request-Method", "POST")])
    assert r.status in (200, 204) and r.body == b""
    assert r.header("access-control-allow-origin") in ("*", page[1])
    assert r.header("access-control-allow-methods") == "POST"
    assert r.header("access-control-max-age") == "3600"
    allowed = {h.strip().lower() for h in r.header("access-control-allow-headers").split(",")}
    assert {"x-sentry-auth", "x-requested-with", "x-forwarded-for", "origin", "referer", "accept",
            "content-type", "authentication", "authorization", "content-encoding",
            "transfer-encoding"} <= allowed
    for body, status in ((wire.event(), 200), (b"broken", 400)):
        r = post(d, body, [AUTH, page])
        assert r.status == status
        assert r.header("access-control-allow-origin") in ("*", page[1])
        exposed = {h.strip().lower() for h in r.header("access-control-expose-headers").split(",")}
        assert {"x-sentry-error", "x-sentry-rate-limits", "retry-after"} <= exposed
        assert r.header("access-control-allow-credentials") is None


def test_P027_a_thousand_requests_on_one_connection(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"durability": "lazy"}, **QUICK})
    ids = [wire.new_id() for _ in range(1000)]
    with d.conn() as c:
        for eid in ids:
            assert c.envelope(wire.event(eid)).json() == {"id": eid}
    sentry.wait_events(ids, 40)


def test_P027_pipelined_requests_are_answered_in_order(relay):
    ids = [wire.new_id() for _ in range(40)]
    bodies = [b"broken" if n % 5 == 2 else wire.event(eid) for n, eid in enumerate(ids)]
    with relay.d.conn() as c:
        c.send(b"".join(client.request_bytes("POST", PATH, [AUTH], b) for b in bodies))
        for n, eid in enumerate(ids):
            r = c.read()
            assert r.status == 400 if n % 5 == 2 else r.json() == {"id": eid}
