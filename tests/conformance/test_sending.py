"""P-105 to P-118 and P-139 to P-142: requests upstream, verdicts, repetitions,
the spool, addresses, health."""

import datetime
import os
import re
import subprocess
import time

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import HEADERS, Answer
from helpers import AUTH, PATH, QUICK, arrived, post, post_ok
from wire import KEY

ONE_LANE = {"connections": 1, "http2": "no"}


def client_headers(*more):
    return [("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7, "
                              "sentry_client=sentry.test/9.9"), *more]


# --- the request ------------------------------------------------------------


def test_P105_the_request_of_a_relay(make_daemon, sentry):
    d = make_daemon(sentry, {"listen": {"allow_origin": "*"}})
    eid = wire.new_id()
    post_ok(d, wire.event(eid), client_headers(("User-Agent", "ua/1"), ("Origin", "https://a.b"),
                                               ("Cookie", "c=1"), ("X-Other", "1")))
    got = sentry.wait_event(eid)
    assert got.method == "POST" and "?" not in got.target
    assert got.header("content-type") == "application/x-sentry-envelope"
    assert got.auth == {"key": sentry.key, "version": "7", "client": "sentry.test/9.9"}
    assert got.header("user-agent") == "ua/1" and got.header("origin") == "https://a.b"
    assert got.header("authorization") is None
    assert {k for k, _ in got.headers} <= HEADERS


def test_P106_the_client_speaks_for_itself(relay):
    a, b = wire.new_id(), wire.new_id()
    post_ok(relay.d, wire.event(a), client_headers(("User-Agent", "app/3 (x)")))
    got = relay.sentry.wait_event(a)
    assert got.header("user-agent") == "app/3 (x)" and got.auth["client"] == "sentry.test/9.9"
    post_ok(relay.d, wire.event(b), [("X-Sentry-Auth", f"Sentry sentry_key={KEY}")])
    got = relay.sentry.wait_event(b)
    assert got.header("user-agent") is None
    assert re.fullmatch(r"picket/\d+\.\d+\.\d+", got.auth["client"])


@pytest.mark.parametrize("name,label", [("none", None), ("gzip", "gzip"), ("zstd", "zstd")])
def test_P107_configured_encodings(make_daemon, sentry, name, label):
    d = make_daemon(sentry, {"upstream": {"compression": name}})
    eid = wire.new_id()
    payload = wire.event_payload(eid, text="abc" * 3000)
    post_ok(d, wire.build({"event_id": eid}, [({"type": "event"}, payload)]))
    got = sentry.wait_event(eid)
    assert got.header("content-encoding") == label
    assert got.envelope.items[0].payload == payload


# --- verdicts ---------------------------------------------------------------


def lossless(d):
    return not any(d.totals()["dropped"].values())


@pytest.mark.parametrize("answer", [
    Answer(502), Answer(503), Answer(504), Answer(how="reset"), Answer(how="reset_early"),
    Answer(how="close"), Answer(how="truncated")],
    ids=["502", "503", "504", "reset", "reset_early", "close", "truncated"])
def test_P108_no_answer_and_passing_ones_are_repeated(make_daemon, sentry, answer):
    d = make_daemon(sentry, {"retry": {"min": "10ms", "max": "10ms"}})
    # More often than what is given up after a few attempts, as a 500 is.
    sentry.script(answer, times=25)
    eid = d.send_event()
    sentry.wait_event(eid, 20)
    d.wait_empty()
    assert len(sentry.requests) == 26 and lossless(d) and d.delivered("error") == 1


def test_P108_refused_connections_are_repeated(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.down()
    eid = d.send_event()
    wait_until(lambda: d.metrics()["picket_upstream_failures_total"] >= 2, what="failures")
    sentry.up()
    sentry.wait_event(eid)
    d.wait_empty()
    assert lossless(d)


def test_P108_a_timeout_is_repeated(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"timeout": "200ms"}})
    sentry.script(Answer(gate=sentry.gate()), times=1)
    eid = d.send_event()
    sentry.wait_event(eid)
    d.wait_empty()
    assert lossless(d)


def test_P108_an_unknown_name_costs_nothing(make_daemon):
    d = make_daemon(None, {"upstream": {"dsn": f"http://{wire.UPSTREAM_KEY}@nowhere.invalid/7"}})
    d.send_event()
    wait_until(lambda: d.metrics()["picket_upstream_failures_total"] >= 2, 30, "failures")
    assert d.held("error") == 1 and lossless(d)


def events_asked(sentry):
    return [r for r in sentry.requests if r.envelope and r.envelope.of_type("event")]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_P109_final_refusals(make_daemon, sentry, status):
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    sentry.script(Answer(status), when=lambda r: r.envelope and r.envelope.of_type("event"))
    d.send_event()
    wait_until(lambda: d.dropped("send_error", "error") == 1, what="the count")
    d.wait_empty()
    assert len(events_asked(sentry)) == 1


def test_P109_a_500_is_repeated_a_few_times_only(make_daemon, sentry):
    """Picket's own rule: a bounded number of attempts, then as the others."""
    d = make_daemon(sentry, {"retry": {"min": "10ms", "max": "20ms"}})
    sentry.script(Answer(500), when=lambda r: r.envelope and r.envelope.of_type("event"))
    d.send_event()
    wait_until(lambda: d.dropped("send_error", "error") == 1, 30, "giving up")
    assert len(events_asked(sentry)) <= 20


def test_P110_a_429_is_final_and_sentrys_own_count(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "100ms"}})
    sentry.script(Answer(429, headers=(("X-Sentry-Rate-Limits", "60:transaction:key"),)), times=1)
    first = d.send_event()
    d.wait_empty()
    second = d.send_event()
    sentry.wait_event(second)
    d.wait_empty()
    assert [r.envelope.event_id for r in events_asked(sentry)] == [first, second]
    # The law needs a place for it here; Sentry is told nothing, though an
    # envelope that could have carried a report has passed.
    assert d.delivered("error") == 1
    assert sentry.discarded() == {}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_P111_redirects_are_refusals(make_daemon, make_sentry, sentry, status):
    other = make_sentry()
    d = make_daemon(sentry)
    where = f"{other.url}/api/7/envelope/"
    sentry.script(Answer(status, headers=(("Location", where),)), times=1)
    d.send_event()
    wait_until(lambda: d.dropped("send_error", "error") == 1, what="the count")
    assert other.requests == [] and len(events_asked(sentry)) == 1


def test_P112_repetitions_differ_in_sent_at_only(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.script(Answer(503), times=3)
    eid = wire.new_id()
    blob = os.urandom(500)
    head = {"event_id": eid, "sent_at": "2026-01-01T00:00:00Z", "x": [1, 2]}
    post_ok(d, wire.build(head, [({"type": "event"}, wire.event_payload(eid)),
                                 ({"type": "attachment", "filename": "f"}, blob)]))
    sentry.wait_event(eid)
    tries = [r.envelope for r in sentry.requests]
    assert len(tries) == 4
    assert len({(tuple((wire.compact(i.headers), i.payload) for i in e.items)) for e in tries}) == 1
    stamps = [e.headers.pop("sent_at") for e in tries]
    assert stamps == sorted(set(stamps))
    assert all(e.headers == tries[0].headers for e in tries)


def test_P114_any_answer_ends_an_outage(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.down()
    ids = [d.send_event() for _ in range(5)]
    wait_until(lambda: d.metrics()["picket_upstream_failures_total"] >= 3, 20, "an outage")
    sentry.script(Answer(404), when=lambda r: r.method != "POST")
    sentry.up()
    sentry.wait_events(ids)


def test_P115_kill_9_leaves_whole_envelopes(make_daemon, sentry):
    d = make_daemon(sentry)
    sent = {}
    for _ in range(5):
        # Some are on their way, some waiting, when the kill comes.
        for _ in range(12):
            eid = wire.new_id()
            sent[eid] = wire.event_payload(eid, pad=os.urandom(300).hex())
            post_ok(d, wire.build({"event_id": eid}, [({"type": "event"}, sent[eid])]))
        d.kill9()
        d.start()
    d.wait_empty()
    got = [(e.event_id, i.payload) for e in sentry.envelopes() for i in e.of_type("event")]
    assert {eid for eid, _ in got} == set(sent)
    assert all(sent[eid] == payload for eid, payload in got)
    # At most what was in flight at a kill comes twice: four connections.
    assert len(got) - len(sent) <= 5 * 4


def test_P116_a_full_spool_evicts_and_counts(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"max_size": "1M"}})
    # Held, not away: what is being tried at the moment is not evicted.
    assert d.cli("hold").returncode == 0
    ids = []
    for _ in range(30):
        eid = wire.new_id()
        post_ok(d, wire.event(eid, pad=os.urandom(40000).hex()))
        ids.append(eid)
    lost = d.dropped("cache_overflow", "error")
    assert 0 < lost < 30 and d.held("error") == 30 - lost
    assert d.cli("release").returncode == 0
    d.wait_empty(30)
    assert sorted(sentry.event_ids()) == sorted(ids[lost:]), "the oldest go"
    sentry.wait_for(lambda: sentry.discarded()["cache_overflow", "error"] == lost, 20)


def test_P117_the_urgent_leaves_first(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": ONE_LANE, **QUICK})
    assert d.cli("hold").returncode == 0
    for body in [wire.logs(["a"]), wire.event(), wire.logs(["b"]), wire.check_in(), wire.event()]:
        post_ok(d, body)
    assert d.cli("release").returncode == 0
    d.wait_empty()
    order = [t for r in sentry.requests for t in r.envelope.types() if t != "client_report"]
    rank = {"check_in": 0, "event": 1, "log": 2}
    assert [rank[t] for t in order] == sorted(rank[t] for t in order)


ODD = {
    "u64": b'{"n":18446744073709551615,"m":-9223372036854775808,"r":0.10}',
    "nul": b'{"a":"\\u0000","\\u0000":1}',
    "surrogate": b'{"a":"\\ud800","b":"\\udc00x"}',
    "exponent": b'{"a":1e400,"b":-1E-999}',
    "deep": b"[" * 5000 + b"]" * 5000,
    "twice": b'{"a":1,"a":2}',
    "not_utf8": b'{"a":"\xff\xfe"}',
    "not_json": b"\x00\x01 nothing of the kind",
}


@pytest.mark.parametrize("name", ODD)
def test_P118_odd_payloads_keep_every_byte(relay, name):
    eid = wire.new_id()
    kind = "event"
    body = wire.build({"event_id": eid}, [({"type": kind}, ODD[name])])
    assert post_ok(relay.d, body).json() == {"id": eid}
    assert relay.sentry.wait_event(eid).envelope.items[0].payload == ODD[name]


# --- times ------------------------------------------------------------------


def stamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_P136_sent_at_ages_with_the_stay(make_daemon, sentry):
    """A short stay; the flow has one of hours."""
    d = make_daemon(sentry)
    old, none = wire.new_id(), wire.new_id()
    given = "2020-01-01T00:00:00.250000Z"
    sentry.down()
    start = time.time()
    post_ok(d, wire.event(old, headers={"sent_at": given}))
    post_ok(d, wire.event(none))
    stored = time.time()
    wait_until(lambda: d.metrics()["picket_upstream_failures_total"] >= 4, 20, "an outage")
    up = time.time()
    sentry.up()
    moved = stamp(sentry.wait_event(old).envelope.headers["sent_at"]) - stamp(given)
    sent = stamp(sentry.wait_event(none).envelope.headers["sent_at"])
    end = time.time()
    assert up - stored - 0.1 <= moved <= end - start + 0.1
    assert up - 0.1 <= sent <= end + 0.1


@pytest.mark.parametrize("given", [None, "2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00.5Z"])
def test_P138_one_sent_at_in_z(relay, given):
    eid = wire.new_id()
    post_ok(relay.d, wire.event(eid, headers={"sent_at": given} if given else {}))
    got = relay.sentry.wait_event(eid).envelope
    assert got.header_line.count(b'"sent_at"') == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", got.headers["sent_at"])
    if given:
        assert got.headers["sent_at"].startswith("2026-01-01T00:00:0")


# --- addresses --------------------------------------------------------------


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_P139_local_clients_are_not_named(relay, over):
    eid = wire.new_id()
    post_ok(relay.d, wire.event(eid), over=over)
    assert relay.sentry.wait_event(eid).header("x-forwarded-for") is None


ORDER = ["CF-Connecting-IP", "X-Vercel-Forwarded-For", "X-Sentry-Forwarded-For", "X-Forwarded-For"]


@pytest.mark.parametrize("first", range(4))
def test_P140_forwarding_headers_in_their_order(relay, first):
    eid = wire.new_id()
    given = [(h, f"203.0.113.{n}") for n, h in enumerate(ORDER) if n >= first]
    post_ok(relay.d, wire.event(eid), [AUTH] + given[::-1])
    assert relay.sentry.wait_event(eid).header("x-forwarded-for") == f"203.0.113.{first}"


def own_address():
    """An address of this machine that is not loopback, or None."""
    done = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False)
    return next((a for a in done.stdout.split() if "." in a), None)


def test_P140_a_remote_peer_is_appended(make_daemon, sentry):
    address = own_address()
    assert address, "this test needs an address that is not loopback"
    d = make_daemon(sentry, {"listen": {"http": "0.0.0.0:0", "allow_host": "*"}})
    a, b = wire.new_id(), wire.new_id()
    where = (address, d.http[1])
    for eid, more in ((a, []), (b, [("X-Forwarded-For", "203.0.113.9")])):
        assert client.once(where, "POST", PATH, [AUTH] + more, wire.event(eid)).status == 200
    assert sentry.wait_event(a).header("x-forwarded-for") == address
    assert sentry.wait_event(b).header("x-forwarded-for") == f"203.0.113.9, {address}"


def test_P141_auto_is_left_alone(relay):
    mark = wire.new_id()
    session = wire.compact({"sid": mark, "attrs": {"release": "a", "ip_address": "{{auto}}"}})
    event = wire.event_payload(mark, user={"ip_address": "{{auto}}"})
    log = wire.compact({"items": [{"body": mark, "attributes": {
        "client.address": {"type": "string", "value": "{{auto}}"}}}]})
    for kind, payload, item in (
            ("event", event, {}), ("session", session, {}),
            ("log", log, {"item_count": 1, "content_type": wire.LOG_TYPE})):
        post_ok(relay.d, wire.build({"event_id": mark} if kind == "event" else {},
                                    [({"type": kind, **item}, payload)]))
        arrived(relay.sentry, payload)


# --- health -----------------------------------------------------------------

LIVE = ["/api/relay/healthcheck/live/", "/api/0/relays/live/"]
READY = "/api/relay/healthcheck/ready/"


def test_P142_live_and_ready(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"max_size": "1M", "when_full": "refuse"}})
    for path in LIVE + [READY]:
        r = d.get(path)
        assert r.status == 200 and r.json() == {"is_healthy": True}
    sentry.down()
    d.send_event()
    wait_until(lambda: d.metrics()["picket_upstream_failures_total"] >= 3, 20, "an outage")
    assert d.get(READY).status == 200, "an upstream outage is what the spool is for"
    wait_until(lambda: post(d, wire.event(pad=os.urandom(50000).hex())).status == 503, 30, "full")
    r = d.get(READY)
    assert r.status == 503 and r.json() == {"is_healthy": False}
    assert d.get(LIVE[0]).status == 200


def test_P142_not_ready_while_ending(make_daemon, sentry):
    d = make_daemon(sentry, {"daemon": {"shutdown_timeout": "20s"}})
    gate = sentry.gate()
    sentry.script(Answer(gate=gate), times=1)
    with d.conn("unix") as c:
        assert c.request("GET", READY).status == 200
        d.send_event()
        sentry.wait_for(lambda: sentry.rules and sentry.rules[0][1] == 0)
        d.process.terminate()
        wait_until(lambda: d.events("stopping"), what="the end to begin")
        try:
            r = c.request("GET", READY)
            assert r.status == 503 and r.json() == {"is_healthy": False}
        except (client.Closed, OSError):
            pass  # connections without a request are closed: no answer is not ready either
    gate.set()
    assert d.wait_exit() == 0
