"""Sending: the request on the wire, the verdict for each answer, retries,
fallbacks, TLS, HTTP/2 and proxies (protocol 14, 17, 18)."""

import base64
import datetime
import os
import re
import select
import socket
import threading
import time

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer
from wire import KEY, UPSTREAM_KEY

PATH = "/api/42/envelope/"
BROKEN = ["reset", "reset_early", "close", "garbage", "truncated"]


def post(d, body, headers=(), over="tcp"):
    with d.conn(over) as c:
        r = c.request("POST", PATH, [
            ("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7, "
                              "sentry_client=sentry.test/9.9")] + list(headers), body)
    assert r.status == 200, r


# --- the request ------------------------------------------------------------


def test_the_request_is_that_of_14_1_p001_p105_p106(picketd, sentry):
    eid = wire.new_id()
    post(picketd, wire.event(eid), [("User-Agent", "sentry.test/9.9 (x)")])
    got = sentry.wait_event(eid)
    assert got.target == "/api/7/envelope/"
    assert got.auth == {"key": UPSTREAM_KEY, "version": "7", "client": "sentry.test/9.9"}
    assert got.header("user-agent") == "sentry.test/9.9 (x)"
    assert got.header("origin") is None
    # The fake Sentry judges the rest.


def test_without_client_facts_none_are_invented_p105_p106(picketd, sentry):
    eid = wire.new_id()
    r = client.once(picketd.unix, "POST", PATH + f"?sentry_key={KEY}", [], wire.event(eid))
    assert r.status == 200
    got = sentry.wait_event(eid)
    assert got.header("user-agent") is None
    assert re.fullmatch(r"picket/\d+\.\d+\.\d+", got.auth["client"])
    assert got.header("x-forwarded-for") is None


def test_origin_else_referer_is_passed_on(make_daemon, sentry):
    d = make_daemon(sentry, {"listen": {"allow_origin": "https://app.example"}})
    a, b = wire.new_id(), wire.new_id()
    post(d, wire.event(a), [("Origin", "https://app.example")])
    assert sentry.wait_event(a).header("origin") == "https://app.example"
    post(d, wire.event(b), [("Referer", "https://app.example/page?x=1")], over="unix")
    assert sentry.wait_event(b).header("origin") == "https://app.example/page?x=1"


def test_the_client_secret_goes_only_where_its_key_goes(make_daemon, make_sentry):
    kept = make_sentry()
    d = make_daemon(None, {"upstream": {"url": kept.url}})
    eid = wire.new_id()
    r = client.once(d.http, "POST", PATH, [
        ("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7, sentry_secret=topsecret")],
        wire.event(eid))
    assert r.status == 200
    assert kept.wait_event(eid).auth.get("secret") == "topsecret"


def test_the_client_secret_is_not_given_to_another_key(picketd, sentry):
    eid = wire.new_id()
    r = client.once(picketd.http, "POST", PATH, [
        ("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7, sentry_secret=topsecret")],
        wire.event(eid))
    assert r.status == 200
    assert "secret" not in sentry.wait_event(eid).auth


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
def test_configured_encodings_decode_to_the_same_envelope_p107(make_daemon, sentry, compression):
    d = make_daemon(sentry, {"upstream": {"compression": compression}})
    eid = wire.new_id()
    payload = wire.event_payload(eid, pad="abc" * 4000)
    d.send_ok(wire.build({"event_id": eid}, [({"type": "event"}, payload)]))
    got = sentry.wait_event(eid)
    want = None if compression == "none" else compression
    assert got.header("content-encoding") == want
    assert got.envelope.items[0].payload == payload
    if want:
        assert len(got.raw) < len(got.body) / 4


def test_a_large_attachment_travels_whole(make_daemon, sentry):
    d = make_daemon(sentry)
    eid = wire.new_id()
    blob = os.urandom(5 << 20) + b"\n\r\n" + b"\x00" * (5 << 20)
    d.send_ok(wire.build({"event_id": eid}, [({"type": "event"}, wire.event_payload(eid)),
                                             ({"type": "attachment", "filename": "a.bin"}, blob)]))
    assert sentry.wait_event(eid, 40).envelope.items[1].payload == blob
    d.wait_empty()
    assert d.delivered("attachment") == len(blob)
    assert d.delivered("attachment_item") == 1


def test_extra_headers_are_sent(make_daemon, sentry):
    sentry.allowed_request_headers |= {"x-team", "x-zone"}
    d = make_daemon(sentry, {"upstream": {"header": "X-Team: a b\n    X-Zone: eu"}})
    got = sentry.wait_event(d.send_event())
    assert got.header("x-team") == "a b" and got.header("x-zone") == "eu"


def test_connections_are_reused(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"connections": 2}})
    ids = [d.send_event() for _ in range(30)]
    sentry.wait_events(ids)
    assert sentry.connections <= 2


def test_a_closed_keep_alive_connection_costs_nothing(picketd, sentry):
    sentry.wait_event(picketd.send_event())
    for _ in range(5):
        sentry.drop_connections()
        sentry.wait_event(picketd.send_event())
    picketd.wait_empty()
    assert picketd.delivered("error") == 6


def test_forwarding_headers_in_their_order_p140(picketd, sentry):
    order = ["CF-Connecting-IP", "X-Vercel-Forwarded-For", "X-Sentry-Forwarded-For",
             "X-Forwarded-For"]
    for n in range(4):
        eid = wire.new_id()
        headers = [(h, f"203.0.113.{i}") for i, h in enumerate(order) if i >= n]
        post(picketd, wire.event(eid), headers)
        assert sentry.wait_event(eid).header("x-forwarded-for") == f"203.0.113.{n}"


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_a_local_client_is_not_named_upstream_p139(picketd, sentry, over):
    eid = wire.new_id()
    post(picketd, wire.event(eid), over=over)
    assert sentry.wait_event(eid).header("x-forwarded-for") is None


def test_auto_addresses_are_left_for_upstream_p141(picketd, sentry):
    eid = wire.new_id()
    payload = wire.event_payload(eid, user={"ip_address": "{{auto}}"})
    picketd.send_ok(wire.build({"event_id": eid}, [({"type": "event"}, payload)]))
    assert sentry.wait_event(eid).envelope.items[0].payload == payload


# --- sent_at (17) -----------------------------------------------------------


def stamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_sent_at_ages_by_the_residence_p136(picketd, sentry):
    then = "2020-01-01T00:00:00.250000Z"
    sentry.down()
    before = time.time()
    picketd.send_ok(wire.event(a := wire.new_id(), headers={"sent_at": then}))
    picketd.send_ok(wire.event(b := wire.new_id()))
    after = time.time()
    time.sleep(1.2)  # residence itself is what is measured
    up = time.time()
    sentry.up()
    sent_a = stamp(sentry.wait_event(a).envelope.headers["sent_at"])
    sent_b = stamp(sentry.wait_event(b).envelope.headers["sent_at"])
    end = time.time()
    moved = sent_a - stamp(then)
    assert up - after - 0.1 <= moved <= end - before + 0.1
    assert up - 0.1 <= sent_b <= end + 0.1


def test_sent_at_ages_over_a_restart_and_is_new_in_each_retry_p112_p136(picketd, sentry):
    sentry.script(Answer(503), times=2)
    sentry.down()
    eid = wire.new_id()
    payload = wire.event_payload(eid)
    picketd.send_ok(wire.event(eid, headers={"sent_at": "2031-05-05T00:00:00Z"}))
    sent = time.time()
    picketd.kill9()
    time.sleep(1.1)
    picketd.start()
    up = time.time()
    sentry.up()
    sentry.wait_event(eid)
    tries = [r for r in sentry.requests if r.envelope and r.envelope.event_id == eid]
    assert len(tries) == 3
    stamps = [stamp(r.envelope.headers["sent_at"]) for r in tries]
    assert stamps[0] - stamp("2031-05-05T00:00:00Z") >= up - sent - 0.1
    assert stamps == sorted(set(stamps)), "each attempt has its own sent_at"
    assert {r.envelope.items[0].payload for r in tries} == {payload}


# --- the verdict table (14.2) -----------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 502, 503, 504])
def test_a_passing_status_is_retried_p108_p112(picketd, sentry, status):
    sentry.script(Answer(status), times=3)
    eid = wire.new_id()
    picketd.send_ok(wire.event(eid))
    sentry.wait_event(eid)
    picketd.wait_empty()
    assert len(sentry.requests) == 4
    assert len({r.envelope.items[0].payload for r in sentry.requests}) == 1
    assert picketd.delivered("error") == 1
    assert picketd.totals()["dropped"] == {} or not any(picketd.totals()["dropped"].values())


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_connection_is_retried_p108(picketd, sentry, how):
    sentry.script(Answer(how=how), times=3)
    eid = picketd.send_event()
    sentry.wait_event(eid)
    picketd.wait_empty()
    assert picketd.delivered("error") == 1
    assert picketd.metrics()["picket_upstream_failures_total"] >= 3
    assert sentry.discarded() == {}


def test_a_broken_connection_after_the_answer_of_another_is_retried(picketd, sentry):
    sentry.wait_event(picketd.send_event())
    for how in BROKEN:
        sentry.script(Answer(how=how), times=1)
        sentry.wait_event(picketd.send_event())
    picketd.wait_empty()
    assert picketd.delivered("error") == 6


def test_an_upstream_that_hangs_is_left_and_retried(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"timeout": "300ms"}})
    gate = sentry.gate()
    sentry.script(Answer(gate=gate), times=1)
    eid = d.send_event()
    sentry.wait_event(eid)
    d.wait_empty()
    assert d.delivered("error") == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 413, 415,
                                    422])
def test_a_final_status_is_not_retried_p109_p111(make_daemon, sentry, status):
    # gzip: a 400 or 415 to zstd is asked again in gzip, which is its own law.
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    elsewhere = (("Location", f"{sentry.url}/api/8/envelope/"),) if status < 400 else ()
    sentry.script(Answer(status, headers=elsewhere), times=1)
    d.send_event()
    d.wait_empty()
    assert d.dropped("send_error", "error") == 1
    assert d.delivered("error") == 0
    assert len([r for r in sentry.requests if r.envelope.of_type("event")]) == 1
    if status in (401, 403, 404):
        return  # the DSN rests now, and with it the report
    sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] == 1, 20)
    assert sentry.discarded() == {("send_error", "error"): 1}


def test_a_refused_dsn_rests_and_another_does_not(make_daemon, make_sentry, sentry):
    other = make_sentry(key="2" * 32, project="99")
    d = make_daemon(sentry, {"project web": {"key": "webapp", "dsn": other.dsn}})
    sentry.script(Answer(403), times=1)
    d.send_event()
    d.wait_empty()
    waiting = d.send_event()
    other.wait_event(d.send_event(key="webapp"))
    wait_until(lambda: d.held("error") == 1, what="the other project's settlement")
    assert len(sentry.requests) == 1
    assert waiting not in sentry.event_ids()


@pytest.mark.parametrize("status", [500, 501, 505, 599])
def test_other_server_errors_are_retried_a_bounded_number_of_times(make_daemon, sentry, status):
    d = make_daemon(sentry, {"retry": {"min": "10ms", "max": "20ms"}})
    sentry.script(Answer(status), when=lambda r: r.envelope and r.envelope.of_type("event"))
    d.send_event()
    wait_until(lambda: d.dropped("send_error", "error") == 1, 30, "giving up")
    assert 1 <= len([r for r in sentry.requests if r.envelope.of_type("event")]) <= 20
    assert d.status()["spool"]["records"] == 0
    sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] == 1, 40)


def test_429_is_neither_resent_nor_counted_p110(picketd, sentry):
    sentry.script(Answer(429, headers=(("X-Sentry-Rate-Limits", "1:transaction:key"),)), times=1)
    picketd.send_event()
    picketd.wait_empty()
    later = picketd.send_event()
    sentry.wait_event(later)
    picketd.send_ok(wire.session())
    sentry.wait_for(lambda: sentry.items("session"))
    assert len([r for r in sentry.requests if r.envelope.of_type("event")]) == 2
    assert sentry.discarded() == {}, "Sentry counted it itself"


def test_413_splits_once_then_gives_up(make_daemon, sentry):
    """Sessions need not travel together: halves may fit where the whole did not."""
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    sentry.script(Answer(413), when=lambda r: r.envelope and len(r.envelope.items) > 3)
    items = [({"type": "session"}, b'{"sid":"%d","started":"2026-01-01T00:00:00Z"}' % n)
             for n in range(6)]
    d.send_ok(wire.build({}, items))
    sentry.wait_for(lambda: len(sentry.items("session")) == 6)
    assert sorted(sentry.payloads("session")) == sorted(p for _, p in items)
    d.wait_empty()
    assert d.delivered("session") == 6


def test_413_to_what_cannot_be_split_is_a_dead_letter(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    sentry.script(Answer(413), when=lambda r: r.envelope and r.envelope.of_type("event"))
    eid = wire.new_id()
    d.send_ok(wire.build({"event_id": eid}, [({"type": "event"}, wire.event_payload(eid)),
                                             ({"type": "attachment"}, b"12345")]))
    d.wait_empty()
    assert d.dropped("send_error", "error") == 1
    assert d.dropped("send_error", "attachment") == 5
    assert len([r for r in sentry.requests if r.envelope.of_type("event")]) <= 3


@pytest.mark.parametrize("status", [400, 415])
def test_a_host_that_refuses_zstd_gets_gzip_from_then_on(picketd, sentry, status):
    sentry.script(Answer(status), when=lambda r: r.header("content-encoding") == "zstd")
    ids = [wire.new_id() for _ in range(3)]
    for eid in ids:
        picketd.send_ok(wire.event(eid, blob="x" * 2000))
        sentry.wait_event(eid)
    refused = [r for r in sentry.requests if r.status == status]
    assert len(refused) == 1, "asked once, remembered"
    picketd.wait_empty()
    assert picketd.delivered("error") == 3
    assert sentry.discarded() == {}


def test_retry_after_on_503_is_the_least_wait(picketd, sentry):
    sentry.script(Answer(503, headers=(("Retry-After", "2"),)), times=1)
    eid = picketd.send_event()
    done = sentry.wait_event(eid)
    assert done.at - sentry.requests[0].at >= 1.9


def test_intervals_grow_p113(make_daemon, sentry):
    d = make_daemon(sentry, {"retry": {"min": "20ms", "max": "2s"}})
    sentry.script(Answer(503), times=8)
    eid = d.send_event()
    sentry.wait_event(eid, 30)
    # Full jitter makes single waits arbitrary; nine attempts with a ceiling
    # that stays at 20 ms would all lie within 160 ms.
    attempts = [r.at for r in sentry.requests]
    assert attempts[-1] - attempts[0] > 0.16


def test_in_an_outage_one_probe_stands_for_all_p113_p114(picketd, sentry):
    sentry.down()
    ids = [picketd.send_event() for _ in range(50)]
    wait_until(lambda: picketd.metrics()["picket_upstream_failures_total"] >= 5, 20, "an outage")
    tried = picketd.metrics()["picket_upstream_requests_total"]
    assert tried < 50, "an outage is not one failed request per stored envelope"
    assert picketd.ready() == 200, "an upstream outage keeps the daemon ready (P-142)"
    sentry.up()
    sentry.wait_events(ids)
    assert picketd.totals()["dropped"].get("network_error", {}) == {}


def test_any_answer_ends_an_outage_p114(picketd, sentry):
    sentry.down()
    ids = [picketd.send_event() for _ in range(5)]
    wait_until(lambda: picketd.metrics()["picket_upstream_failures_total"] >= 3, 20, "an outage")
    sentry.script(Answer(404), when=lambda r: r.method != "POST")
    sentry.up()
    sentry.wait_events(ids)


def test_after_an_outage_errors_and_check_ins_leave_before_logs_p117(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"connections": 1, "http2": "no"}})
    assert d.cli("hold").returncode == 0
    for n in range(5):
        d.send_ok(wire.logs([f"line {n}"]))
        d.send_ok(wire.transaction())
        d.send_ok(wire.event())
        d.send_ok(wire.check_in())
    assert d.cli("release").returncode == 0
    d.wait_empty()
    order = [r.envelope.items[0].type for r in sentry.requests]
    rank = {"check_in": 0, "event": 1, "transaction": 2, "log": 3}
    assert [rank[t] for t in order] == sorted(rank[t] for t in order), order


def test_newest_first_when_so_configured(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"connections": 1, "http2": "no"},
                             "spool": {"order": "newest"}})
    assert d.cli("hold").returncode == 0
    ids = [d.send_event() for _ in range(6)]
    assert d.cli("release").returncode == 0
    d.wait_empty()
    assert sentry.event_ids() == ids[::-1]


# --- TLS, HTTP/2, proxies, names --------------------------------------------


def test_https_with_a_configured_authority(make_daemon, make_sentry, authority):
    sentry = make_sentry(tls=authority.server_context())
    d = make_daemon(sentry, {"upstream": {"ca_file": authority.ca_file}})
    got = sentry.wait_event(d.send_event())
    assert got.http == "HTTP/1.1"


def test_an_untrusted_certificate_gets_nothing_until_it_is_trusted(
        make_daemon, make_sentry, authority):
    sentry = make_sentry(tls=authority.server_context())
    d = make_daemon(sentry)
    eid = d.send_event()
    sentry.wait_for(lambda: sentry.handshake_failures >= 2)
    assert sentry.requests == []
    assert d.held("error") == 1
    d.set("upstream", ca_file=authority.ca_file)
    d.reload()
    sentry.wait_event(eid)


def test_a_client_certificate_is_shown(make_daemon, make_sentry, authority):
    sentry = make_sentry(tls=authority.server_context(want_client=True))
    d = make_daemon(sentry, {"upstream": {
        "ca_file": authority.ca_file, "client_cert": authority.client_cert,
        "client_key": authority.client_key}})
    sentry.wait_event(d.send_event())


def test_http2_is_used_where_offered_on_one_connection(make_daemon, make_sentry, authority):
    sentry = make_sentry(tls=authority.server_context(alpn=("h2", "http/1.1")))
    d = make_daemon(sentry, {"upstream": {"ca_file": authority.ca_file}})
    ids = [d.send_event() for _ in range(60)]
    sentry.wait_events(ids)
    assert {r.http for r in sentry.requests} == {"HTTP/2"}
    assert sentry.connections <= 4


def test_http2_streams_run_beside_each_other(make_daemon, make_sentry, authority):
    sentry = make_sentry(tls=authority.server_context(alpn=("h2",)))
    d = make_daemon(sentry, {"upstream": {"ca_file": authority.ca_file, "connections": 1}})
    sentry.wait_event(d.send_event())
    gate = sentry.gate()
    sentry.script(Answer(gate=gate), times=1)
    d.send_event()
    sentry.wait_events([d.send_event() for _ in range(5)])
    gate.set()
    d.wait_empty()
    assert sentry.connections == 1


def test_http2_can_be_turned_off(make_daemon, make_sentry, authority):
    sentry = make_sentry(tls=authority.server_context(alpn=("h2", "http/1.1")))
    d = make_daemon(sentry, {"upstream": {"ca_file": authority.ca_file, "http2": "no"}})
    assert sentry.wait_event(d.send_event()).http == "HTTP/1.1"


def test_an_http2_stream_that_is_reset_is_retried(make_daemon, make_sentry, authority):
    sentry = make_sentry(tls=authority.server_context(alpn=("h2",)))
    d = make_daemon(sentry, {"upstream": {"ca_file": authority.ca_file}})
    sentry.script(Answer(how="reset"), times=2)
    sentry.wait_event(d.send_event())


class Proxy:
    """Tunnels CONNECT; takes http:// addresses one request after the other. With wants, only
    from who says so (Proxy-Authorization)."""

    def __init__(self, wants=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.wants = wants
        self.targets = []
        self.refused = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    @staticmethod
    def message(s):
        """Head and body, by Content-Length; None at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = s.recv(65536)
            if not part:
                return None
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        while length and len(body) < int(length.group(1)):
            body += s.recv(65536)
        return head, body

    def serve(self, s):
        with s:
            while (m := self.message(s)) is not None:
                head, body = m
                method, target, _ = head.split(b" ", 2)
                if self.wants and b"\r\nProxy-Authorization: " + self.wants not in head:
                    self.refused += 1
                    s.sendall(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\n"
                              b"Content-Length: 0\r\n\r\n")
                elif method == b"CONNECT":
                    self.targets.append(target.decode())
                    self.tunnel(s, target.decode())
                    return
                else:
                    self.targets.append(target.decode())
                    self.pass_on(s, target, head, body)

    @staticmethod
    def tunnel(s, target):
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            s.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            other = {s: far, far: s}
            while True:
                for ready in select.select([s, far], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    other[ready].sendall(data)

    def pass_on(self, s, target, head, body):
        assert target.startswith(b"http://"), target
        host, _, path = target.removeprefix(b"http://").partition(b"/")
        name, _, port = host.rpartition(b":")
        lines = [x for x in head.split(b"\r\n")[1:] if not x.lower().startswith(b"proxy-")]
        with socket.create_connection((name.decode(), int(port))) as far:
            far.sendall(b"\r\n".join([b"POST /" + path + b" HTTP/1.1", *lines]) + b"\r\n\r\n" + body)
            answer, text = self.message(far)
            s.sendall(answer + b"\r\n\r\n" + text)


def test_an_http_proxy_is_used(make_daemon, make_sentry, authority):
    proxy = Proxy()
    sentry = make_sentry(tls=authority.server_context())
    d = make_daemon(sentry, {"upstream": {"ca_file": authority.ca_file,
                                          "proxy": f"http://127.0.0.1:{proxy.port}"}})
    sentry.wait_event(d.send_event())
    assert set(proxy.targets) == {sentry.host}
    proxy.listener.close()


def test_an_http_proxy_is_given_whole_addresses_of_plain_http(make_daemon, sentry):
    proxy = Proxy()
    d = make_daemon(sentry, {"upstream": {"proxy": f"http://127.0.0.1:{proxy.port}"}})
    for eid in [d.send_event() for _ in range(3)]:
        sentry.wait_event(eid)
    d.wait_empty()
    assert len(proxy.targets) >= 3
    assert all(t.startswith(f"http://{sentry.host}/api/7/envelope/") for t in proxy.targets)
    proxy.listener.close()


@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_may_ask_who_is_there(make_daemon, make_sentry, authority, secure):
    proxy = Proxy(wants=b"Basic " + base64.b64encode(b"relay:s3cret/"))
    sentry = make_sentry(tls=authority.server_context()) if secure else make_sentry()
    upstream = {"proxy": f"http://relay:s3cret%2F@127.0.0.1:{proxy.port}"}
    if secure:
        upstream["ca_file"] = authority.ca_file
    d = make_daemon(sentry, {"upstream": upstream})
    sentry.wait_event(d.send_event())
    assert proxy.targets and "s3cret" not in d.log(all_runs=True)
    # Who is not let in waits; nothing is lost.
    d.set("upstream", proxy=f"http://relay:wrong@127.0.0.1:{proxy.port}")
    d.write_conf()
    d.restart()
    before = proxy.refused
    eid = d.send_event()
    wait_until(lambda: proxy.refused > before, what="a refusal")
    wait_until(lambda: d.held("error") == 1 or d.status()["totals"]["dropped"], what="an end")
    assert d.held("error") == 1, d.status()["totals"]
    d.set("upstream", proxy=upstream["proxy"])
    d.write_conf()
    d.restart()
    sentry.wait_event(eid)
    proxy.listener.close()


def test_a_name_that_does_not_resolve_keeps_everything(make_daemon, make_sentry):
    good = make_sentry()
    d = make_daemon(None, {
        "upstream": {"dsn": f"http://{UPSTREAM_KEY}@nowhere.invalid/7"},
        "project good": {"key": "good", "dsn": good.dsn}})
    for _ in range(3):
        d.send_event()
    good.wait_event(d.send_event(key="good"))
    wait_until(lambda: d.metrics()["picket_upstream_failures_total"] >= 2, 30, "failures")
    wait_until(lambda: d.held("error") == 3, what="the other project's settlement")
    assert d.ready() == 200


def test_sigterm_waits_for_what_is_in_flight(make_daemon, sentry):
    d = make_daemon(sentry, {"daemon": {"shutdown_timeout": "20s"}})
    gate = sentry.gate()
    sentry.script(Answer(gate=gate), times=1)
    eid = d.send_event()
    # Past the body: the request is with the upstream, the answer is not.
    sentry.wait_for(lambda: sentry.rules and sentry.rules[0][1] == 0)
    d.process.terminate()
    gate.set()
    assert d.wait_exit() == 0
    d.start()
    sentry.wait_event(d.send_event())
    assert sentry.event_ids().count(eid) == 1, "answered before the end, so not sent again"
