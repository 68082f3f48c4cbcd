"""Clients of many ecosystems, unmodified, through the daemon: what their users mean
by an error, a trace, a log, an attachment is there at the far end (docs/clients.md).

Each program below sdk/ says the same things with its SDK: an error raised in inner(),
called by outer(); a message; a transaction of two nested spans; where it can, a log, an
attachment, a session, check-ins."""

import gzip
import os
import re
import socket
import subprocess
from dataclasses import dataclass, field

import pytest

import wire
from settings import BUILD, HERE, ROOT, TIME_SCALE

SDK = BUILD / "sdk"
PYTHON = str(BUILD / "venv" / "bin" / "python")


@dataclass
class Client:
    run: list                      # before DSN and marker
    error: str                     # type of the exception
    name: str                      # how the SDK calls itself, at the start
    inner: str = "inner"           # functions in the stack
    outer: str = "outer"
    transaction: bool = True
    log: bool = False
    attachment: bool = False
    session: bool = False
    check_ins: bool = False
    env: dict = field(default_factory=dict)


def lib(name):
    return {"PYTHONPATH": str(SDK / name / "lib")}


CLIENTS = {
    "python-1": Client([PYTHON, str(SDK / "python-1/app.py")], "ValueError", "sentry.python/1.45",
                       attachment=True, session=True, check_ins=True, env=lib("python-1")),
    "python-1-store": Client([PYTHON, str(SDK / "python-1-store/app.py")], "ValueError",
                             "sentry.python/1.9", env=lib("python-1-store")),
    "raven-python": Client([PYTHON, str(SDK / "raven-python/app.py")], "ValueError",
                           "raven-python/6", transaction=False, env=lib("raven-python")),
    "raven-node": Client(["node", str(SDK / "raven-node/app.cjs")], "TypeError", "raven-node/2",
                         transaction=False),
    "go": Client([str(SDK / "go/app")], "*main.brokenError", "sentry.go/0.50", log=True,
                 attachment=True, check_ins=True),
    "rust": Client([str(SDK / "rust/target/debug/app")], "Broken", "sentry.rust/0.49",
                   inner="app::inner", outer="app::outer", log=True, attachment=True,
                   session=True, check_ins=True),
    "java": Client(["java", "-cp", f"{SDK}/java:{SDK}/java/lib/*", "App"],
                   "IllegalStateException", "sentry.java/8", log=True, attachment=True,
                   session=True, check_ins=True),
    "ruby": Client(["ruby", str(SDK / "ruby/app.rb")], "ArgumentError", "sentry-ruby/5.3",
                   session=True),
    "raven-ruby": Client(["ruby", str(SDK / "raven-ruby/app.rb")], "ArgumentError",
                         "raven-ruby/3.1", transaction=False),
}

every_client = pytest.mark.parametrize("name", list(CLIENTS))


def run(client, d, marker):
    done = subprocess.run([*client.run, d.dsn(), marker], capture_output=True, text=True,
                          timeout=90 * TIME_SCALE, check=False, env={**os.environ, **client.env})
    assert done.returncode == 0, done.stdout + done.stderr


def exceptions(event):
    found = event.get("exception") or []
    return found.get("values", []) if isinstance(found, dict) else found


def text_of(event):
    for key in ("logentry", "message", "sentry.interfaces.Message"):
        found = event.get(key)
        if isinstance(found, str):
            return found
        if found:
            return found.get("formatted") or found.get("message")
    return None


def check_events(client, events, marker):
    [error] = [e for e in events if exceptions(e)]
    [message] = [e for e in events if text_of(e) == f"message {marker}"]
    raised = exceptions(error)[-1]
    assert raised["type"] == client.error and raised["value"].endswith(f"error {marker}")
    functions = [f.get("function") for f in raised["stacktrace"]["frames"]]
    calls = [n for n, f in enumerate(functions)
             if f and (f.endswith(client.inner) or f.endswith(client.outer))]
    assert [functions[n].endswith(client.outer) for n in calls] == [True, False], functions
    for e in (error, message):
        assert e["release"] == "app@1.0" and e["environment"] == "it"
        tags = e["tags"]
        assert (dict(tags) if isinstance(tags, list) else tags)["marker"] == marker


def check_transaction(transaction, marker):
    assert transaction["transaction"] == f"transaction {marker}"
    step, part = sorted(transaction["spans"], key=lambda s: s["description"], reverse=True)
    assert (step["description"], part["description"]) == ("a step", "a part")
    assert step["parent_span_id"] == transaction["contexts"]["trace"]["span_id"]
    assert part["parent_span_id"] == step["span_id"]
    assert step["op"] == "step" and part["op"] == "part"


def wait_for_all(client, sentry, marker):
    def seen():
        kinds = [i.type for e in sentry.envelopes() for i in e.items]
        return (kinds.count("event") >= 2
                and (not client.transaction or "transaction" in kinds)
                and (not client.log or "log" in kinds)
                and (not client.attachment or "attachment" in kinds)
                and (not client.session or "session" in kinds or "sessions" in kinds)
                and (not client.check_ins or kinds.count("check_in") >= 2))

    sentry.wait_for(seen, 40, "everything the SDK sent")


def check(client, sentry, marker):
    wait_for_all(client, sentry, marker)
    check_events(client, [i.json() for i in sentry.items("event")], marker)
    if client.transaction:
        [transaction] = sentry.items("transaction")
        check_transaction(transaction.json(), marker)
    if client.log:
        entries = [e for i in sentry.items("log") for e in i.json()["items"]]
        [log] = [e for e in entries if e["body"] == f"log {marker}"]
        assert log["level"] == "warn" and log["attributes"]["n"]["value"] == 1
    if client.attachment:
        assert b"\x00attachment " + marker.encode() + b"\r\n\xff" in \
            [i.payload for i in sentry.items("attachment")]
    if client.check_ins:
        told = [i.json() for i in sentry.items("check_in")]
        assert {c["status"] for c in told} == {"in_progress", "ok"}
        assert {c["monitor_slug"] for c in told} == {"nightly"}
        assert len({c["check_in_id"] for c in told}) == 1
    for r in sentry.accepted():
        assert r.auth["client"].startswith(client.name), r.auth


@pytest.fixture
def client(name):
    """install.sh says so when the machine's compiler is older than the SDK's least."""
    unavailable = SDK / name / "unavailable"
    if unavailable.is_file():
        pytest.skip(unavailable.read_text().strip())
    return CLIENTS[name]


@every_client
def test_what_the_client_means_arrives(picketd, sentry, client):
    marker = wire.new_id()
    run(client, picketd, marker)
    check(client, sentry, marker)
    picketd.wait_empty()
    assert picketd.delivered("error") == 2


@every_client
def test_an_outage_and_kill_9_cost_nothing(picketd, sentry, client):
    marker = wire.new_id()
    sentry.down()
    run(client, picketd, marker)
    picketd.kill9()
    picketd.start()
    sentry.up()
    check(client, sentry, marker)
    picketd.wait_empty()
    ids = [e.event_id for e in sentry.envelopes() if {"event", "transaction"} & set(e.types())]
    assert len(ids) == len(set(ids)), "nothing twice"


# --- OpenTelemetry --------------------------------------------------------------


def otlp(sentry, kind):
    return [gzip.decompress(r.raw) if r.header("content-encoding") == "gzip" else r.body or r.raw
            for r in sentry.accepted() if r.target.endswith(f"/integration/otlp/v1/{kind}/")
            or r.target.endswith(f"/integration/otlp/v1/{kind}")]


@pytest.mark.parametrize("outage", [False, True])
def test_opentelemetry_traces_and_logs_arrive_p149(picketd, sentry, outage):
    marker = wire.new_id()
    client = Client([PYTHON, str(SDK / "otlp-python/app.py")], "", "", env=lib("otlp-python"))
    if outage:
        sentry.down()
    run(client, picketd, marker)
    if outage:
        picketd.kill9()
        picketd.start()
        sentry.up()
    sentry.wait_for(lambda: otlp(sentry, "traces") and otlp(sentry, "logs"), 40, "OTLP")
    [traces], [logs] = otlp(sentry, "traces"), otlp(sentry, "logs")
    for text in (f"transaction {marker}", "a step", "a part"):
        assert text.encode() in traces
    assert f"log {marker}".encode() in logs
    picketd.wait_empty()
    assert picketd.delivered("span") == 3 and picketd.delivered("log_item") == 1


# --- sentry-cli -------------------------------------------------------------------


def sentry_cli(d, *args):
    done = subprocess.run([str(SDK / "sentry-cli/node_modules/.bin/sentry-cli"), *args],
                          capture_output=True, text=True, timeout=60 * TIME_SCALE, check=False,
                          env={**os.environ, "SENTRY_DSN": d.dsn(), "SENTRY_DISABLE_UPDATE_CHECK":
                               "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_sentry_cli_sends_events_envelopes_and_check_ins(picketd, sentry, tmp_path):
    marker = wire.new_id()
    sentry_cli(picketd, "send-event", "-m", f"message {marker}", "-r", "app@1.0", "-t",
               f"marker:{marker}", "--env", "it", "--no-environ")
    eid = wire.new_id()
    (tmp_path / "e").write_bytes(wire.event(eid, message="an envelope"))
    sentry_cli(picketd, "send-envelope", str(tmp_path / "e"))
    sentry_cli(picketd, "monitors", "run", "nightly", "--", "true")
    sentry.wait_for(lambda: len(sentry.items("event")) == 2 and len(sentry.items("check_in")) == 2,
                    30, "what sentry-cli sent")
    [event] = [i.json() for i in sentry.items("event") if marker.encode() in i.payload]
    assert text_of(event) == f"message {marker}" and event["release"] == "app@1.0"
    assert eid in sentry.event_ids()
    assert {i.json()["status"] for i in sentry.items("check_in")} == {"in_progress", "ok"}


# --- the browser SDK ----------------------------------------------------------------


@pytest.mark.parametrize("lifecycle,trace", [("static", "transaction"), ("stream", "span")])
def test_the_browser_sdk_in_a_real_browser(make_daemon, sentry, lifecycle, trace):
    marker = wire.new_id()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    d = make_daemon(sentry, {"listen": {"allow_origin": f"http://127.0.0.1:{port}"}})
    done = subprocess.run([PYTHON, str(SDK / "browser/page.py"), str(SDK / "browser/bundle.js"),
                           str(port), d.dsn(), marker, lifecycle],
                          capture_output=True, text=True, timeout=120 * TIME_SCALE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = marker.encode()
    sentry.wait_for(lambda: len([i for i in sentry.items("event") if text in i.payload]) >= 2
                    and any(text in i.payload for i in sentry.items(trace))
                    and any(text in i.payload for i in sentry.items("log")), 40, "the page")
    # It gives messages a synthetic exception too.
    [error] = [e for e in (i.json() for i in sentry.items("event")) if text_of(e) is None]
    assert exceptions(error)[-1]["type"] == "TypeError"
    assert exceptions(error)[-1]["value"] == f"error {marker}"
    assert b"\x00attachment " + text + b"\r\n\xff" in \
        [i.payload for i in sentry.items("attachment")]


# --- the page about them ---------------------------------------------------------------


VERSIONS = {
    "../requirements.txt": r"sentry-sdk==([0-9.]+)",
    "node/package.json": r'"@sentry/node": "([0-9.]+)"',
    "sdk/python-1/requirements.txt": r"sentry-sdk==([0-9.]+)",
    "sdk/python-1-store/requirements.txt": r"sentry-sdk==([0-9.]+)",
    "sdk/raven-python/requirements.txt": r"raven==([0-9.]+)",
    "sdk/raven-node/package.json": r'"raven": "([0-9.]+)"',
    "sdk/go/go.mod": r"sentry-go v([0-9.]+)",
    "sdk/rust/Cargo.toml": r'version = "=([0-9.]+)"',
    "sdk/java/pom.xml": r"<version>([0-9]+\.[0-9]+\.[0-9]+)</version>",
    "sdk/ruby/debian.txt": r"ruby-sentry-ruby-core ([0-9.]+)",
    "sdk/raven-ruby/debian.txt": r"ruby-sentry-raven ([0-9.]+)",
    "sdk/sentry-cli/package.json": r'"@sentry/cli": "([0-9.]+)"',
    "sdk/browser/package.json": r'"@sentry/browser": "([0-9.]+)"',
    "sdk/otlp-python/requirements.txt": r"opentelemetry-sdk==([0-9.]+)",
}


def test_the_documented_versions_are_those_tested():
    page = (ROOT / "docs" / "clients.md").read_text()
    for file, pattern in VERSIONS.items():
        [version] = set(re.findall(pattern, (HERE / file).read_text()))
        assert f"| {version} |" in page, (file, version)
