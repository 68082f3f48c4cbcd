"""Raw envelopes: bytes on the Unix socket ended by half-close, and datagrams."""

import socket
import subprocess

import client
import wire


def with_dsn(d, eid, **more):
    return wire.event(eid, headers={"dsn": d.dsn(), **more})


def test_a_raw_envelope_is_answered_by_one_json_line(picketd, sentry):
    eid = wire.new_id()
    assert client.raw_envelope(picketd.unix, with_dsn(picketd, eid)) == {"status": 200, "id": eid}
    assert sentry.wait_event(eid).key == wire.UPSTREAM_KEY


def test_a_raw_envelope_without_an_event_has_no_id(picketd, sentry):
    body = wire.build({"dsn": picketd.dsn()}, [({"type": "session"}, b"{}")])
    answer = client.raw_envelope(picketd.unix, body)
    assert answer["status"] == 200 and not answer.get("id")
    sentry.wait_requests(1)


def test_a_raw_envelope_may_come_byte_by_byte(picketd, sentry):
    eid = wire.new_id()
    with client.connect(picketd.unix) as s:
        for byte in with_dsn(picketd, eid):
            s.sendall(bytes([byte]))
        s.shutdown(socket.SHUT_WR)
        assert s.makefile().readline().startswith('{"status":200')
    sentry.wait_event(eid)


def test_bad_raw_envelopes_are_answered_too(picketd):
    broken = (400, 401)  # without a header there are no credentials either
    for body, statuses in ((b"{", broken), (b"{nonsense}\n", broken),
                           (wire.event(headers={"dsn": "nonsense"}), broken),
                           (wire.build({"dsn": picketd.dsn()}, []) + b'{"type":"x","length":9}\n',
                            (400,))):
        answer = client.raw_envelope(picketd.unix, body)
        assert answer["status"] in statuses, (body, answer)
        assert answer.get("detail"), answer
    assert picketd.totals()["received"] == {}


def test_a_raw_envelope_needs_no_dsn_where_any_goes_to_one_place(make_daemon, sentry):
    d = make_daemon(sentry)
    eid = wire.new_id()
    assert client.raw_envelope(d.unix, wire.event(eid)) == {"status": 200, "id": eid}
    assert sentry.wait_event(eid).key == wire.UPSTREAM_KEY
    strict = make_daemon(sentry, {"upstream": {"accept": "known"}, "project a": {
        "key": wire.KEY, "dsn": sentry.dsn}})
    assert client.raw_envelope(strict.unix, wire.event())["status"] in (401, 403)
    relay = make_daemon(None, {"upstream": {"url": sentry.url}})
    assert client.raw_envelope(relay.unix, wire.event())["status"] in (401, 403)


def test_a_raw_envelope_over_the_limit_is_413(make_daemon, sentry):
    d = make_daemon(sentry, {"limits": {"envelope": "1M"}})
    body = wire.build({"dsn": d.dsn(), "event_id": wire.new_id()},
                      [({"type": "attachment"}, b"x" * (2 << 20))])
    with client.connect(d.unix) as s:
        try:
            s.sendall(body)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            line = s.makefile().readline()
        except ConnectionResetError:
            line = ""
    assert line == "" or '"status":413' in line
    d.send_event()


def test_a_raw_envelope_cut_off_by_a_closed_client_is_not_taken(picketd):
    s = client.connect(picketd.unix)
    s.sendall(with_dsn(picketd, wire.new_id())[:-40])
    s.close()
    picketd.send_event()
    assert picketd.received("error") == 1


def test_http_and_raw_share_the_socket(picketd, sentry):
    a, b = wire.new_id(), wire.new_id()
    picketd.send_event(a, over="unix")
    assert client.raw_envelope(picketd.unix, with_dsn(picketd, b))["status"] == 200
    sentry.wait_events([a, b])


def test_raw_envelopes_are_not_taken_over_tcp(picketd):
    with client.connect(picketd.http) as s:
        s.sendall(with_dsn(picketd, wire.new_id()))
        s.shutdown(socket.SHUT_WR)
        s.settimeout(10)
        got = b""
        while True:
            try:
                part = s.recv(65536)
            except ConnectionResetError:
                break
            if not part:
                break
            got += part
    assert b" 200 " not in got and b'"status":200' not in got
    assert picketd.totals()["received"] == {}


def test_a_client_that_is_gone_before_the_answer_loses_nothing(picketd, sentry):
    ids = [wire.new_id() for _ in range(20)]
    for eid in ids:
        s = client.connect(picketd.unix)
        s.sendall(with_dsn(picketd, eid))
        s.shutdown(socket.SHUT_WR)
        s.close()
    sentry.wait_events(ids)


def test_what_socat_sends_is_understood(picketd, sentry):
    eid = wire.new_id()
    # What socat does: copy stdin, half-close, copy the answer.
    script = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
              "s.sendall(sys.stdin.buffer.read())\ns.shutdown(socket.SHUT_WR)\n"
              "sys.stdout.buffer.write(s.makefile('rb').read())\n")
    done = subprocess.run(["python3", "-c", script, str(picketd.unix)],
                          input=with_dsn(picketd, eid), capture_output=True, check=True,
                          timeout=60)
    assert done.stdout == wire.compact({"status": 200, "id": eid}) + b"\n"
    sentry.wait_event(eid)


def test_one_datagram_is_one_envelope(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    d.set("listen", unixgram=str(d.gram))
    d.write_conf()
    d.start()
    ids = [wire.new_id() for _ in range(20)]
    for eid in ids:
        client.datagram(d.gram, with_dsn(d, eid))
    sentry.wait_events(ids)
    client.datagram(d.gram, b"nonsense")
    client.datagram(d.gram, b"")
    client.datagram(d.gram, b"{}")
    last = wire.new_id()
    client.datagram(d.gram, with_dsn(d, last))
    sentry.wait_event(last)
    assert d.received("error") == 21
    assert d.metrics()["picket_datagrams_refused_total"] >= 2
