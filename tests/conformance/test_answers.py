"""P-028 to P-034: what is answered, and when."""

import os

import client
import wire
from helpers import AUTH, PATH, all_with, arrived, assert_error, post, post_ok


def test_P028_an_accepted_event_is_answered_with_its_id(relay):
    for sent, want in (("9EC79C33-EC99-42AB-8353-589FCB2E04DC", "9ec79c33ec9942ab8353589fcb2e04dc"),
                       (eid := wire.new_id(), eid)):
        r = post_ok(relay.d, wire.build({"event_id": sent}, [({"type": "event"}, b"{}")]))
        assert r.header("content-type") == "application/json"
        assert r.body == b'{"id":"%s"}' % want.encode()
        relay.sentry.wait_event(want)


def test_P029_sessions_alone_have_no_id(relay):
    sid = wire.new_id()
    r = post_ok(relay.d, wire.session(sid))
    assert r.json() == {} and r.header("content-type") == "application/json"
    arrived(relay.sentry, sid)


def test_P030_a_header_alone_goes_nowhere(relay):
    empty = wire.new_id()
    assert post_ok(relay.d, wire.compact({"event_id": empty})).json() == {"id": empty}
    assert post_ok(relay.d, b"{}\n").json() == {}
    relay.sentry.wait_event(relay.d.send_event())
    relay.d.wait_empty()
    assert not all_with(relay.sentry, empty)


def test_P031_refusals_are_told_in_json_and_in_a_header(relay):
    d = relay.d
    for r, status in (
            (post(d, b"garbage"), 400),
            (post(d, wire.event(), []), 401),
            (post(d, wire.event(), path="/nowhere/"), 404),
            (client.once(d.http, "PUT", PATH, [AUTH], b"x"), 405),
            (post(d, wire.event_of_size(wire.MIB + 1)), 413),
            (post(d, wire.event(), [AUTH, ("Content-Encoding", "rot13")]), 415)):
        assert_error(r, status)


def test_P033_what_was_answered_200_survives_kill_9(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.down()
    want = []
    for _ in range(4):
        want.append(d.send_event())
        d.kill9()
        d.start()
    sentry.up()
    sentry.wait_events(want)


def test_P034_no_room_is_503_and_no_loss_of_ours(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"max_size": "1M", "when_full": "refuse"},
                             "reports": {"interval": "100ms"}})
    sentry.down()
    kept = []
    for _ in range(20):
        eid = wire.new_id()
        r = post(d, wire.event(eid, pad=os.urandom(50000).hex()))
        if r.status != 200:
            break
        kept.append(eid)
    assert_error(r, 503)
    assert int(r.header("retry-after")) >= 1
    sentry.up()
    sentry.wait_events(kept)
    d.wait_empty()
    last = d.send_event()
    sentry.wait_event(last)
    assert not any(d.totals()["dropped"].values())
    assert sentry.discarded() == {}
