"""An envelope that nothing changes keeps its client's compression, to disk and
upstream; as soon as anything would have to change it does not."""

import datetime

import pytest

import wire
from daemon import wait_until
from fake_sentry import Answer

CODINGS = ["gzip", "br", "zstd"]


def now(ago=0):
    t = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)
    return t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def compressed(coding, headers=None):
    eid = wire.new_id()
    text = wire.event(eid, {"event_id": eid, "sent_at": now(), **(headers or {})},
                      pad="abcdefgh" * 200)
    return eid, text, wire.encode(coding, text)


@pytest.mark.parametrize("coding", CODINGS)
def test_untouched_bytes_go_on_as_they_came(make_daemon, sentry, coding):
    d = make_daemon(sentry)
    eid, text, body = compressed(coding)
    assert d.send(body, headers=[("Content-Encoding", coding)]).status == 200
    got = sentry.wait_event(eid)
    assert got.header("content-encoding") == coding
    assert got.raw == body
    assert got.body == text


@pytest.mark.parametrize("coding", CODINGS)
def test_after_an_outage_the_time_is_aged_and_the_rest_the_same_p136(make_daemon, sentry, coding):
    d = make_daemon(sentry)
    sentry.down()
    eid, text, body = compressed(coding)
    assert d.send(body, headers=[("Content-Encoding", coding)]).status == 200
    wait_until(lambda: d.status()["spool"]["oldest_age_s"] >= 2, what="age")
    d.kill9()
    d.start()
    sentry.up()
    got = sentry.wait_event(eid, 30)
    assert got.raw != body
    assert got.envelope.headers["sent_at"] > wire.parse_strict(text).headers["sent_at"]
    assert [i.payload for i in got.envelope.items] == \
        [i.payload for i in wire.parse_strict(text).items]


def test_the_configured_compression_decides_what_upstream_may_see(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    for coding, want in (("gzip", True), ("br", False), ("zstd", False)):
        eid, text, body = compressed(coding)
        assert d.send(body, headers=[("Content-Encoding", coding)]).status == 200
        got = sentry.wait_event(eid)
        assert got.header("content-encoding") == "gzip"
        assert (got.raw == body) == want


def test_a_header_that_has_to_change_is_changed_p058(make_daemon, sentry):
    d = make_daemon(sentry)
    eid, text, body = compressed("gzip", {"dsn": d.dsn()})
    assert d.send(body, headers=[("Content-Encoding", "gzip")]).status == 200
    got = sentry.wait_event(eid)
    assert got.envelope.headers["dsn"] == sentry.dsn


@pytest.mark.parametrize("status", [400, 415])
def test_an_upstream_that_reads_no_brotli_gets_gzip(make_daemon, sentry, status):
    d = make_daemon(sentry)
    sentry.script(Answer(status), when=lambda r: r.header("content-encoding") == "br")
    eid, text, body = compressed("br")
    assert d.send(body, headers=[("Content-Encoding", "br")]).status == 200
    sentry.wait_for(lambda: any(r.is_ok and r.header("content-encoding") == "gzip"
                                for r in sentry.accepted()), 20)
    d.wait_empty()
    assert d.delivered("error") == 1
