"""The current sentry-sdk, unmodified, through the daemon."""

import pathlib
import subprocess
import sys

import sentry_sdk

import wire
from settings import HERE, TIME_SCALE


def run_app(d, marker):
    done = subprocess.run([sys.executable, str(HERE / "sdk_app.py"), d.dsn(), marker],
                          capture_output=True, text=True, timeout=60 * TIME_SCALE, check=False)
    assert done.returncode == 0, done.stderr


def check(sentry, marker):
    def seen():
        return (len([i for i in sentry.items("event") if marker.encode() in i.payload]) >= 2
                and any(marker.encode() in i.payload for i in sentry.items("transaction"))
                and any(marker.encode() in i.payload for i in sentry.items("log"))
                and sentry.items("session") and sentry.items("attachment"))

    sentry.wait_for(seen, 30, "everything the SDK sent")
    blob = b"\x00attachment " + marker.encode() + b"\r\n\xff"
    assert blob in [i.payload for i in sentry.items("attachment")]
    error = next(i for i in sentry.items("event") if b'"error ' + marker.encode() in i.payload)
    assert error.json()["exception"]["values"][0]["type"] == "ValueError"
    assert len(sentry.items("log")) >= 1
    for r in sentry.accepted():
        assert r.auth["client"].startswith("sentry.python"), r.auth
        assert r.header("user-agent").startswith("sentry.python")


def test_errors_transactions_logs_sessions_attachments(picketd, sentry):
    marker = wire.new_id()
    run_app(picketd, marker)
    check(sentry, marker)
    picketd.wait_empty()
    assert picketd.delivered("error") == 2 and picketd.delivered("transaction") == 1


def test_they_survive_kill_9_and_an_outage(picketd, sentry):
    marker = wire.new_id()
    sentry.down()
    run_app(picketd, marker)
    picketd.kill9()
    picketd.start()
    assert picketd.held("error") == 2
    sentry.up()
    check(sentry, marker)
    picketd.wait_empty()
    assert len([i for i in sentry.items("event") if marker.encode() in i.payload]) == 2


def test_the_sdk_reads_our_rate_limits_p100(picketd, sentry):
    """What we answer is parsed by the SDK's own transport code."""
    from sentry_sdk.transport import _parse_rate_limits

    from fake_sentry import Answer
    sentry.script(Answer(200, headers=(
        ("X-Sentry-Rate-Limits", "61.5:error;log_item:key:quota, 120::organization"),)), times=1)
    picketd.send_event()
    picketd.wait_empty()
    r = picketd.send(wire.event())
    assert r.status == 429
    parsed = dict(_parse_rate_limits(r.header("x-sentry-rate-limits")))
    assert {"error", None} & set(parsed)
    assert len(list(_parse_rate_limits(r.header("x-sentry-rate-limits")))) >= 2


def test_it_is_the_pinned_sdk():
    wanted = next(line.split("==")[1].strip() for line in
                  (pathlib.Path(HERE).parent / "requirements.txt").read_text().splitlines()
                  if line.startswith("sentry-sdk=="))
    assert sentry_sdk.VERSION == wanted
