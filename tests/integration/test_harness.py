"""The strict fake Sentry itself: it must notice what it is there to notice.
Needs no daemon."""

import socket
import threading

import pytest

import client
import wire
from fake_sentry import Answer, FakeSentry

AUTH = ("X-Sentry-Auth", f"Sentry sentry_key={wire.UPSTREAM_KEY}, sentry_version=7, "
                         "sentry_client=test/1")
SENT_AT = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def fake():
    s = FakeSentry()
    yield s
    s.close()


def good(items=None, **headers):
    eid = wire.new_id()
    head = {"event_id": eid, "sent_at": SENT_AT, **headers}
    return wire.build(head, items or [({"type": "event"}, wire.event_payload(eid))])


def post(fake, body, headers=None, target="/api/7/envelope/"):
    head = headers if headers is not None else [
        AUTH, ("Content-Type", "application/x-sentry-envelope")]
    return client.once(("127.0.0.1", fake.port), "POST", target, head, body, host=fake.host)


def test_a_correct_request_is_no_violation(fake):
    assert post(fake, good()).status == 200
    assert fake.violations == []
    assert fake.accepted()[0].envelope.types() == ["event"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_encoded_bodies_are_read(fake, encoding):
    head = [AUTH, ("Content-Type", "application/x-sentry-envelope"),
            ("Content-Encoding", encoding)]
    assert post(fake, wire.encode(encoding, good()), head).status == 200
    assert fake.violations == []


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bytes_after_the_compressed_body_are_noticed(fake, encoding):
    head = [AUTH, ("Content-Type", "application/x-sentry-envelope"),
            ("Content-Encoding", encoding)]
    post(fake, wire.encode(encoding, good()) * 2, head)
    assert fake.violations


@pytest.mark.parametrize("body", [
    good().replace(b'"sent_at"', b'"sent_at_not"'),
    good().replace(b'"sent_at":', b'"sent_at": '),
    good()[:-1],
    good() + b"\n",
    good().replace(b'"length"', b'"size"'),
    good(sent_at="2026-01-01T00:00:00+00:00"),
    good(retention=90),
    good(dsn="http://k@127.0.0.1:4690/7"),
    good(event_id="9ec79c33-ec99-42ab-8353-589fcb2e04dc"),
    wire.build({"sent_at": SENT_AT}, []),
    wire.build({"sent_at": SENT_AT}, [({"type": "event"}, b"{}")]),
    good([({"type": "event"}, b"{}"), ({"type": "transaction"}, b"{}")]),
    good([({"type": "event"}, b"x" * (wire.MIB + 1))]),
    good([({"type": "log", "item_count": 2, "content_type": wire.LOG_TYPE},
           b'{"items":[{}]}')]),
    good([({"type": "event", "metrics_extracted": True}, b"{}")]),
    good([({"type": "client_report"},
           b'{"discarded_events":[{"reason":"mood","category":"error","quantity":1}]}')]),
], ids=[str(n) for n in range(16)])
def test_faults_in_the_envelope_are_noticed(fake, body):
    post(fake, body)
    assert fake.violations


@pytest.mark.parametrize("headers,target", [
    ([("Content-Type", "application/x-sentry-envelope")], "/api/7/envelope/"),
    ([AUTH], "/api/7/envelope/"),
    ([AUTH, ("Content-Type", "application/x-sentry-envelope"), ("X-Odd", "1")],
     "/api/7/envelope/"),
    ([AUTH, ("Content-Type", "application/x-sentry-envelope")], "/api/7/envelope"),
    ([AUTH, ("Content-Type", "application/x-sentry-envelope")],
     "/api/7/envelope/?sentry_key=" + wire.KEY),
    ([AUTH, ("Content-Type", "application/x-sentry-envelope"),
      ("X-Sentry-Relay-Id", "1")], "/api/7/envelope/"),
])
def test_faults_in_the_request_are_noticed(fake, headers, target):
    post(fake, good(), headers, target)
    assert fake.violations


def test_the_script_is_followed_in_order(fake):
    fake.script(Answer(503), times=1)
    fake.script(Answer(429, headers=(("Retry-After", "7"),)), times=1)
    assert post(fake, good()).status == 503
    r = post(fake, good())
    assert r.status == 429 and r.header("retry-after") == "7"
    assert post(fake, good()).status == 200


@pytest.mark.parametrize("how", ["reset", "reset_early", "close", "garbage", "truncated"])
def test_broken_answers_break(fake, how):
    fake.script(Answer(how=how), times=1)
    with pytest.raises((client.Closed, OSError, ValueError)):
        post(fake, good())
    fake.wait_requests(1)
    assert fake.accepted() == []
    assert post(fake, good()).status == 200


def test_down_refuses_and_up_listens_on_the_same_port(fake):
    port = fake.port
    fake.down()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 2)
    fake.up()
    assert fake.port == port
    assert post(fake, good()).status == 200


def test_a_gate_holds_the_answer(fake):
    gate = fake.gate()
    fake.script(Answer(gate=gate), times=1)
    got = []
    t = threading.Thread(target=lambda: got.append(post(fake, good()).status))
    t.start()
    fake.wait_for(lambda: fake.rules[0][1] == 0, what="the first request")
    assert post(fake, good()).status == 200
    assert got == []
    gate.set()
    t.join()
    assert got == [200]


def test_tls_and_http2(authority):
    import ssl

    import h2.connection
    import h2.events
    fake = FakeSentry(tls=authority.server_context(alpn=("h2", "http/1.1")))
    try:
        ctx = ssl.create_default_context(cafile=authority.ca_file)
        ctx.set_alpn_protocols(["h2"])
        with ctx.wrap_socket(socket.create_connection(("127.0.0.1", fake.port)),
                             server_hostname="127.0.0.1") as s:
            assert s.selected_alpn_protocol() == "h2"
            conn = h2.connection.H2Connection()
            conn.initiate_connection()
            body = good()
            conn.send_headers(1, [(":method", "POST"), (":path", "/api/7/envelope/"),
                                  (":scheme", "https"), (":authority", fake.host),
                                  ("content-type", "application/x-sentry-envelope"),
                                  ("x-sentry-auth", AUTH[1])])
            conn.send_data(1, body, end_stream=True)
            s.sendall(conn.data_to_send())
            ended = False
            while not ended:
                for event in conn.receive_data(s.recv(65536)):
                    if isinstance(event, h2.events.ResponseReceived):
                        assert (":status", "200") in [tuple(
                            x.decode() if isinstance(x, bytes) else x for x in h)
                            for h in event.headers]
                    ended = ended or isinstance(event, h2.events.StreamEnded)
                s.sendall(conn.data_to_send())
        assert fake.violations == []
        assert fake.accepted()[0].http == "HTTP/2"
    finally:
        fake.close()
