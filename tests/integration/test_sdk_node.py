"""The current @sentry/node, unmodified, through the daemon."""

import os
import subprocess

import pytest

import wire
from settings import HERE, NODE_DIR, TIME_SCALE


@pytest.fixture(autouse=True)
def node_is_installed():
    if not (NODE_DIR / "node_modules" / "@sentry" / "node").is_dir():
        pytest.fail(f"@sentry/node is not in {NODE_DIR}: tests/integration/run.sh installs it",
                    pytrace=False)


def run_app(d, marker, lifecycle="static"):
    done = subprocess.run(
        ["node", str(HERE / "node" / "app.cjs"), d.dsn(), marker, lifecycle],
        capture_output=True, text=True, timeout=60 * TIME_SCALE, check=False,
        env={**os.environ, "NODE_PATH": str(NODE_DIR / "node_modules")})
    assert done.returncode == 0, done.stderr


def check(sentry, marker, trace="transaction"):
    text = marker.encode()

    def seen():
        return (len([i for i in sentry.items("event") if text in i.payload]) >= 2
                and any(text in i.payload for i in sentry.items(trace))
                and any(text in i.payload for i in sentry.items("log"))
                and sentry.items("session") and sentry.items("attachment"))

    sentry.wait_for(seen, 30, "everything the SDK sent")
    assert b"\x00attachment " + text + b"\r\n\xff" in [i.payload for i in sentry.items("attachment")]
    for r in sentry.accepted():
        assert r.auth["client"].startswith("sentry.javascript.node/"), r.auth


@pytest.mark.parametrize("lifecycle,trace", [("static", "transaction"), ("stream", "span")])
def test_errors_traces_logs_sessions_attachments(picketd, sentry, lifecycle, trace):
    marker = wire.new_id()
    run_app(picketd, marker, lifecycle)
    check(sentry, marker, trace)
    picketd.wait_empty()
    assert picketd.delivered("error") == 2
    assert picketd.delivered("span") == 2, "two spans, or one span and its transaction"


def test_they_survive_kill_9_and_an_outage(picketd, sentry):
    marker = wire.new_id()
    sentry.down()
    run_app(picketd, marker)
    picketd.kill9()
    picketd.start()
    sentry.up()
    check(sentry, marker)
    picketd.wait_empty()
    assert len([i for i in sentry.items("event") if marker.encode() in i.payload]) == 2
