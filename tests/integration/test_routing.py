"""Where an envelope goes: the four ways of routing, and what is rewritten."""

import json

import client
import wire
from daemon import wait_until
from fake_sentry import Answer
from wire import KEY, OTHER_KEY, UPSTREAM_KEY

K2 = "2" * 32


def traced(eid, public_key, dsn=None):
    head = {"trace": {"trace_id": wire.new_id(), "public_key": public_key, "sample_rate": "1"}}
    if dsn:
        head["dsn"] = dsn
    return wire.event(eid, headers=head)


def test_a_project_sends_its_key_to_its_dsn(make_daemon, make_sentry, sentry):
    other = make_sentry(key=K2, project="99")
    d = make_daemon(sentry, {"project web": {"key": "webapp", "dsn": other.dsn}})
    a, b = wire.new_id(), wire.new_id()
    d.send_ok(wire.event(a), key="webapp", project="1")
    d.send_ok(wire.event(b), key=KEY, project="1")
    got = other.wait_event(a)
    assert (got.project, got.key) == ("99", K2)
    got = sentry.wait_event(b)
    assert (got.project, got.key) == ("7", UPSTREAM_KEY)
    assert len(other.requests) == len(sentry.requests) == 1


def test_a_project_with_an_id_matches_that_id_only(make_daemon, make_sentry, sentry):
    other = make_sentry(key=K2, project="99")
    d = make_daemon(sentry, {"project web": {"key": KEY, "id": "5", "dsn": other.dsn}})
    a, b = wire.new_id(), wire.new_id()
    d.send_ok(wire.event(a), project="5")
    d.send_ok(wire.event(b), project="6")
    other.wait_event(a)
    sentry.wait_event(b)


def test_accept_any_sends_every_key_to_the_dsn(picketd, sentry):
    for key, project in ((KEY, "1"), (OTHER_KEY, "2"), ("app", "3")):
        eid = picketd.send_event(key=key, project=project)
        got = sentry.wait_event(eid)
        assert (got.project, got.key) == ("7", UPSTREAM_KEY)


def test_accept_known_refuses_other_keys_and_says_why_p025(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"accept": "known"},
                             "project web": {"key": KEY, "dsn": sentry.dsn}})
    sentry.wait_event(d.send_event(key=KEY))
    r = d.send(wire.event(), key=OTHER_KEY)
    assert r.status == 403
    assert "accept" in r.json()["detail"] or "project" in r.json()["detail"]
    assert d.received("error") == 1


def test_url_keeps_key_and_project(make_daemon, sentry):
    d = make_daemon(None, {"upstream": {"url": sentry.url}})
    eid = d.send_event(key=OTHER_KEY, project="123")
    got = sentry.wait_event(eid)
    assert (got.project, got.key) == ("123", OTHER_KEY)


def test_url_with_a_prefix_p002(make_daemon, make_sentry):
    sentry = make_sentry(prefix="/a/b")
    d = make_daemon(None, {"upstream": {"url": sentry.url}})
    got = sentry.wait_event(d.send_event(key=OTHER_KEY, project="9"))
    assert got.target == "/a/b/api/9/envelope/"


def test_dsn_with_prefix_and_trailing_slash_p002_p003(make_daemon, make_sentry):
    sentry = make_sentry(prefix="/a/b")
    dsn = sentry.dsn.replace("@", ":@") + "/"
    d = make_daemon(None, {"upstream": {"dsn": dsn}})
    assert sentry.wait_event(d.send_event()).target == "/a/b/api/7/envelope/"


def test_url_with_a_key_sentry_cannot_know_is_refused(make_daemon, sentry):
    """Local names are no Sentry keys (decision 9): passing one on is a certain 400."""
    d = make_daemon(None, {"upstream": {"url": sentry.url}})
    r = d.send(wire.event(), key="app")
    assert r.status in (400, 403), r
    assert d.totals()["received"] == {}


def test_with_nowhere_to_go_it_is_403_naming_the_setting(make_daemon, sentry):
    d = make_daemon(None, {"project web": {"key": OTHER_KEY, "dsn": sentry.dsn}})
    r = d.send(wire.event(), key=KEY)
    assert r.status == 403
    text = json.dumps(r.json())
    assert "upstream" in text or "project" in text
    assert r.header("x-sentry-error")


def test_key_project_dsn_and_trace_change_together_p058(picketd, sentry):
    eid = wire.new_id()
    picketd.send_ok(traced(eid, KEY, picketd.dsn()))
    got = sentry.wait_event(eid)
    assert got.key == UPSTREAM_KEY and got.project == "7"
    assert got.envelope.headers["trace"]["public_key"] == UPSTREAM_KEY
    assert got.envelope.headers.get("dsn", sentry.dsn) == sentry.dsn
    assert str(picketd.http[1]) not in got.envelope.header_line.decode()


def test_a_foreign_public_key_in_the_trace_is_kept(picketd, sentry):
    """A trace continued from another project keeps that project's key."""
    eid = wire.new_id()
    picketd.send_ok(traced(eid, OTHER_KEY))
    assert sentry.wait_event(eid).envelope.headers["trace"]["public_key"] == OTHER_KEY


def test_an_unchanged_route_keeps_the_trace_byte_for_byte(make_daemon, sentry):
    d = make_daemon(None, {"upstream": {"url": sentry.url}})
    eid = wire.new_id()
    trace = b'"trace":{"trace_id":"%s","public_key":"%s","sample_rate":"0.50","n":1.10}' % (
        wire.new_id().encode(), KEY.encode())
    body = (b'{"event_id":"%s",' % eid.encode() + trace + b'}\n{"type":"event"}\n{}\n')
    d.send_ok(body)
    assert trace in sentry.wait_event(eid).envelope.header_line


def test_credentials_from_query_and_dsn_header_are_rewritten_too(picketd, sentry):
    a, b = wire.new_id(), wire.new_id()
    r = client.once(picketd.http, "POST", f"/api/42/envelope/?sentry_key={KEY}", [],
                    wire.event(a))
    assert r.status == 200
    body = wire.event(b, headers={"dsn": picketd.dsn()})
    assert client.once(picketd.http, "POST", "/api/42/envelope/", [], body).status == 200
    for eid in (a, b):
        got = sentry.wait_event(eid)
        assert got.target == "/api/7/envelope/" and got.key == UPSTREAM_KEY


def test_one_broken_upstream_does_not_hold_another(make_daemon, make_sentry, sentry):
    other = make_sentry(key=K2, project="99")
    d = make_daemon(sentry, {"project web": {"key": "webapp", "dsn": other.dsn}})
    sentry.down()
    stuck = [d.send_event() for _ in range(20)]
    moving = [d.send_event(key="webapp") for _ in range(20)]
    other.wait_events(moving)
    wait_until(lambda: d.held("error") == 20, what="the other project's settlement")
    sentry.up()
    sentry.wait_events(stuck)


def test_a_flood_for_one_project_does_not_starve_another(make_daemon, make_sentry, sentry):
    other = make_sentry(key=K2, project="99")
    d = make_daemon(sentry, {"project web": {"key": "webapp", "dsn": other.dsn},
                             "spool": {"durability": "lazy"},
                             "upstream": {"connections": 1, "http2": "no"}})
    gate = sentry.gate()
    sentry.script(Answer(gate=gate))
    for _ in range(200):
        d.send_event()
    eid = d.send_event(key="webapp")
    other.wait_event(eid)
    gate.set()
    d.wait_empty(30)
