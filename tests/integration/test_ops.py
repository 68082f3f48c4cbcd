"""Seeing inside: health, figures, dashboard."""

import re
import threading

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer

LIVE = ["/healthz", "/api/relay/healthcheck/live/", "/api/relay/healthcheck/live",
        "/api/0/relays/live/"]
READY = ["/readyz", "/api/relay/healthcheck/ready/"]


@pytest.mark.parametrize("path", LIVE + READY)
@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_health_paths_p142(picketd, path, over):
    with picketd.conn(over) as c:
        r = c.request("GET", path)
        assert r.status == 200 and r.json() == {"is_healthy": True}
        assert r.header("content-type").startswith("application/json")
        assert r.header("access-control-allow-origin") is None
        r = c.request("HEAD", path)
        assert r.status == 200 and r.body == b""
        assert c.request("POST", path, body=b"").status == 405


def test_an_unknown_health_path_is_404(picketd):
    assert picketd.get("/api/relay/healthcheck/mood/").status == 404


def test_ready_but_not_while_ending_p142(make_daemon, sentry):
    d = make_daemon(sentry, {"daemon": {"shutdown_timeout": "10m"}})
    sentry.script(Answer(gate=sentry.gate()), times=1)
    d.send_event()
    sentry.wait_for(lambda: sentry.rules[0][1] == 0)
    with d.conn("unix") as c:
        assert c.request("GET", "/readyz").status == 200
        d.process.terminate()
        wait_until(lambda: not d.unix.exists(), 10, "stopping")
        try:
            assert c.request("GET", "/readyz").status == 503
        except (client.Closed, OSError):
            pass  # closed to new requests: not ready either
    d.process.terminate()
    d.wait_exit()


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? '
                    r"(-?[0-9.eE+-]+|NaN|[+-]Inf)$")


def test_metrics_are_prometheus_text(picketd, sentry):
    sentry.script(Answer(405), times=1)
    picketd.send_event()
    picketd.send_event()
    picketd.send_ok(wire.logs(["x"]))
    picketd.wait_empty()
    r = picketd.get("/metrics")
    assert r.status == 200
    assert r.header("content-type").startswith("text/plain; version=0.0.4")
    text = r.body.decode()
    assert text.endswith("\n")
    typed, helped, seen = {}, set(), set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram", "summary") and name not in typed
            typed[name] = kind
        else:
            m = SAMPLE.match(line)
            assert m, line
            assert m[0].rpartition(" ")[0] not in seen, "one sample twice"
            seen.add(m[0].rpartition(" ")[0])
            assert m[1] in typed and m[1] in helped, line
            if typed[m[1]] == "counter":
                assert m[1].endswith("_total"), f"{m[1]}: counters end in _total"
    flat = picketd.metrics()
    assert flat["picket_answers_2xx_total"] >= 3
    assert any("received" in k and 'error"' in k and v == 2 for k, v in flat.items()), text
    assert any("dropped" in k and "send_error" in k and v == 1 for k, v in flat.items()), text


def test_status_has_what_is_promised(picketd, sentry):
    sentry.down()
    picketd.send_event()
    s = picketd.status()
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", s["version"])
    assert s["uptime_s"] >= 0
    assert s["spool"]["records"] == 1 and s["spool"]["bytes"] > 0
    assert s["spool"]["oldest_age_s"] >= 0
    assert s["totals"]["received"] == {"error": 1} and s["totals"]["held"] == {"error": 1}
    assert s["totals"]["delivered"] == {} and s["totals"]["dropped"] == {}
    wait_until(lambda: any(u["state"] != "up" for u in picketd.status()["upstreams"]), 15,
               "the upstream's state")
    assert picketd.ready() == 200
    sentry.up()
    picketd.wait_empty()
    wait_until(lambda: all(u["state"] in ("up", "recovering")
                           for u in picketd.status()["upstreams"]), 30, "the upstream's state")
    assert picketd.totals()["delivered"] == {"error": 1}


def test_quantities_of_each_kind_p061(picketd, sentry):
    sentry.down()
    eid = wire.new_id()
    log = wire.logs_payload(["a", "b"])
    sessions = wire.compact({"aggregates": [
        {"started": "2026-01-01T00:00:00Z", "exited": 3, "errored": 2}], "attrs": {"release": "a"}})
    for body in (
            wire.event(), wire.transaction(spans=3), wire.session(), wire.check_in(),
            wire.build({}, [({"type": "log", "item_count": 2, "content_type": wire.LOG_TYPE}, log)]),
            wire.build({}, [({"type": "sessions"}, sessions)]),
            wire.build({"event_id": eid}, [({"type": "attachment"}, b"12345")]),
            wire.build({"event_id": eid}, [({"type": "attachment"}, b"")]),
            wire.build({"event_id": eid}, [({"type": "feedback"}, b"{}")]),
            wire.build({"event_id": eid}, [({"type": "user_report"}, b"{}")]),
            wire.build({"event_id": eid}, [({"type": "replay_event"}, b"{}"),
                                           ({"type": "replay_recording"}, b"{}\nxx")]),
            wire.build({}, [({"type": "unknown_thing"}, b"1")]),
            wire.client_report()):
        picketd.send_ok(body)
    got = picketd.totals()["received"]
    assert got["error"] == 1
    assert got["transaction"] == 1 and got["span"] == 4
    assert got["monitor"] == 1
    assert got["log_item"] == 2 and got["log_byte"] == len(log)
    assert got["session"] == 1 + 5
    assert got["attachment"] == 5 + 1 and got["attachment_item"] == 2
    assert got["feedback"] == 2
    assert got["replay"] in (1, 2)
    assert "internal" not in got and "default" not in got
    sentry.up()
    picketd.wait_empty()
    assert picketd.totals()["delivered"] == got


def test_the_dashboard_is_one_self_contained_page(picketd):
    r = picketd.get("/")
    assert r.status == 200 and r.header("content-type").startswith("text/html")
    page = r.body.decode()
    assert len(page) < 200_000
    for m in re.finditer(r"""(?:src|href|action|data|srcset)\s*=\s*["']?([^"'\s>]+)""", page):
        assert m[1].startswith(("#", "data:", "/status", "/metrics", "/")) and not m[1].startswith(
            "//"), m[0]
    urls = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page)) - {
        "http://www.w3.org", "//www.w3.org"}
    assert not urls, urls
    assert "@import" not in page and "<iframe" not in page


def test_no_page_shows_payloads_or_keys(picketd, sentry):
    sentry.down()
    marker, header_marker = "s3cr3tpayload" + wire.new_id(), "headermark" + wire.new_id()
    picketd.send_ok(wire.event(message=marker, headers={"x": header_marker}))
    for path in ("/", "/status", "/metrics", "/healthz", "/readyz"):
        text = picketd.get(path).body.decode()
        for secret in (marker, header_marker, sentry.key, wire.KEY):
            assert secret not in text, path
    log = picketd.log()
    for secret in (marker, header_marker, sentry.key, wire.KEY):
        assert secret not in log


def test_pages_are_refused_to_foreign_hosts_and_pages(picketd):
    for path in ("/", "/status", "/metrics"):
        r = client.once(picketd.http, "GET", path, host="evil.example")
        assert r.status == 403
        r = client.once(picketd.http, "GET", path, [("Origin", "https://evil.example")])
        assert r.status == 403 or r.header("access-control-allow-origin") is None


def test_figures_add_up_at_every_moment_under_load(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"durability": "lazy"}})
    sentry.script(Answer(405), when=lambda r: r.envelope and r.envelope.of_type("transaction"))
    stop = threading.Event()
    faults = []

    def work(make):
        try:
            with d.conn("unix") as c:
                while not stop.is_set():
                    assert c.envelope(make()).status == 200
        except Exception as e:
            faults.append(e)

    threads = [threading.Thread(target=work, args=(m,), daemon=True)
               for m in (wire.event, wire.transaction, lambda: wire.logs(["a", "b"]))]
    for t in threads:
        t.start()
    for _ in range(60):
        d.check_conservation()
    stop.set()
    for t in threads:
        t.join()
    assert not faults, faults
    d.wait_empty(60)
    d.check_conservation()


def test_the_log_is_one_line_per_fact(picketd, sentry):
    sentry.wait_event(picketd.send_event())
    picketd.send(b"broken")
    for line in picketd.log().splitlines():
        assert re.match(r"^(time=\S+ |ts=\S+ )?level=(error|warn|info|debug|trace) ev=\w+", line), \
            line


def test_json_logs_are_json(make_daemon, sentry):
    d = make_daemon(sentry, {"log": {"format": "json"}})
    sentry.wait_event(d.send_event())
    assert d.log().splitlines()
    for line in d.log().splitlines():
        assert line.startswith("{") and line.endswith("}"), line
    assert any(f.get("ev") == "listening" for f in d.events())
