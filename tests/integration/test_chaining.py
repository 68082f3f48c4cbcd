"""picketd behind picketd, and picketd that was told to send to itself."""

import socket

import pytest

import client
import wire
from daemon import wait_until


def through(front, back, sentry, eid):
    assert front.send(wire.event(eid)).status == 200
    return sentry.wait_event(eid)


def test_an_event_goes_through_two_daemons(make_daemon, sentry):
    back = make_daemon(sentry)
    front = make_daemon(None, {"upstream": {"dsn": back.dsn()}})
    eid = wire.new_id()
    got = through(front, back, sentry, eid)
    assert got.envelope.event_id == eid
    front.wait_empty()
    back.wait_empty()
    front.check_conservation()
    back.check_conservation()
    assert front.delivered("error") == back.delivered("error") == 1


def test_an_outage_behind_the_second_is_the_seconds_to_bear_p142(make_daemon, sentry):
    back = make_daemon(sentry)
    front = make_daemon(None, {"upstream": {"dsn": back.dsn()}})
    sentry.down()
    eid = wire.new_id()
    assert front.send(wire.event(eid)).status == 200
    front.wait_empty()
    assert back.held("error") == 1
    for d in (front, back):
        assert d.get("/api/relay/healthcheck/ready/").status == 200
    sentry.up()
    sentry.wait_event(eid, 30)


def test_the_first_keeps_what_the_second_cannot_take(make_daemon, sentry):
    back = make_daemon(sentry)
    front = make_daemon(None, {"upstream": {"dsn": back.dsn()}})
    port = back.http[1]
    back.kill9()
    eid = wire.new_id()
    assert front.send(wire.event(eid)).status == 200
    assert front.held("error") == 1
    back.set("listen", http=f"127.0.0.1:{port}")
    back.write_conf()
    back.start()
    assert sentry.wait_event(eid, 30)
    front.wait_empty()


def test_the_health_probe_of_a_first_daemon_is_answered_by_the_second(make_daemon, sentry):
    back = make_daemon(sentry)
    r = client.once(back.http, "GET", "/api/0/relays/live/")
    assert r.status == 200 and r.json() == {"is_healthy": True}


@pytest.mark.parametrize("key", ["dsn", "url"])
def test_pointing_at_its_own_socket_is_refused_at_start(make_daemon, key):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    value = f"http://{wire.UPSTREAM_KEY}@localhost:{port}/1" if key == "dsn" else \
        f"http://localhost:{port}"
    d = make_daemon(None, {"listen": {"http": f"127.0.0.1:{port}"}, "upstream": {key: value}},
                    wait=False)
    assert d.wait_exit() == 78
    assert f"upstream.{key}: is this daemon's own listen.http" in d.log_file.read_text()




def test_a_loop_that_the_file_does_not_show_is_told_and_loses_nothing(make_daemon, sentry):
    """The port is known only when the daemon runs, so that only the connection can tell."""
    d = make_daemon(sentry)
    d.set("upstream", dsn=f"http://{wire.UPSTREAM_KEY}@localhost:{d.http[1]}/1")
    d.write_conf()
    d.reload()
    d.send_ok(wire.event())
    wait_until(lambda: any(e.get("status") == "508" for e in d.events("refused")), what="508")
    assert d.held("error") == 1 and d.received("error") == 1
    assert d.cli("spool", "purge", "--all").returncode == 0
    assert d.held("error") == 0
