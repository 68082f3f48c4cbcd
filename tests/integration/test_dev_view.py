"""picketd --dev: GET /stream shows envelopes as they end here, as Spotlight's viewers read them."""

import base64
import json
import socket

import pytest

import client
import wire
from daemon import wait_until
from settings import TIME_SCALE

READERS_MAX = 8


@pytest.fixture
def dev(make_daemon):
    """A daemon without an upstream."""
    def make(**conf):
        d = make_daemon(None, conf, args=None, wait=None)
        d.args = ["-c", str(d.conf_file), "--dev"]
        return d.start()
    return make


class Reader:
    """Server-sent events of one connection."""

    def __init__(self, d, query="", method="GET"):
        self.sock = socket.create_connection(d.http, timeout=20 * TIME_SCALE)
        self.sock.sendall(f"{method} /stream{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.data = b""
        head, self.data = self.until(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v for k, v in (x.split(": ", 1) for x in lines[1:] if x)}

    def until(self, mark):
        while mark not in self.data:
            more = self.sock.recv(65536)
            assert more, f"the connection ended before {mark}: {self.data[-200:]}"
            self.data += more
        before, _, after = self.data.partition(mark)
        return before, after

    def event(self):
        """(name, data) of the next one; comments are passed over."""
        while True:
            block, self.data = self.until(b"\n\n")
            fields = [x.split(": ", 1) for x in block.decode().split("\n") if not x.startswith(":")]
            if fields:
                return (next(v for k, v in fields if k == "event"),
                        "\n".join(v for k, v in fields if k == "data"))

    def ended(self):
        """Reads what is left; True when the other side has closed."""
        try:
            while self.sock.recv(1 << 20):
                pass
        except ConnectionError:
            return True
        return True

    def close(self):
        self.sock.close()


def test_envelopes_come_as_events_with_their_text(dev):
    d = dev()
    reader = Reader(d)
    assert reader.status == 200
    assert reader.headers["content-type"] == "text/event-stream"
    assert "content-length" not in reader.headers and reader.headers["connection"] == "close"
    for text in ("first", "with \u00e9 and \u2615"):
        eid = wire.new_id()
        d.send_ok(wire.event(eid, message=text))
        name, data = reader.event()
        assert name == "application/x-sentry-envelope"
        header, item, payload = data.split("\n")[:3]
        assert json.loads(header)["event_id"] == eid and json.loads(item)["type"] == "event"
        assert json.loads(payload)["message"] == text


def test_bytes_come_whole_as_base64(dev):
    d = dev()
    reader = Reader(d, "?base64=1")
    payload = b"\x00\r\n\n\xff data: x\n\n"
    body = wire.build({"event_id": wire.new_id()},
                      [({"type": "attachment", "filename": "f"}, payload)])
    d.send_ok(body)
    name, data = reader.event()
    assert name == "application/x-sentry-envelope;base64"
    (item,) = wire.parse_strict(base64.b64decode(data)).items
    assert item.payload == payload


def test_what_is_shown_is_scrubbed(dev):
    d = dev(scrub={"defaults": None, "deep": None})
    reader = Reader(d)
    d.send_ok(wire.event(extra={"password": "hunter2", "note": "card 4111111111111111"}))
    _, data = reader.event()
    assert "hunter2" not in data and "4111111111111111" not in data and "[Filtered]" in data


def test_each_reader_gets_all_and_one_that_leaves_harms_nobody(dev):
    d = dev()
    leaving, staying = Reader(d), Reader(d)
    d.send_event()
    assert leaving.event()[0] == staying.event()[0]
    leaving.close()
    for _ in range(5):
        eid = d.send_event()
        assert eid in staying.event()[1]


def test_there_is_room_for_some_readers_only(dev):
    d = dev()
    readers = [Reader(d) for _ in range(READERS_MAX)]
    assert Reader(d).status == 503
    readers[0].close()
    wait_until(lambda: Reader(d).status == 200, what="room for another reader")


def test_a_reader_that_does_not_read_is_dropped(dev):
    d = dev()
    lazy, reader = Reader(d), Reader(d)
    body = wire.event_of_size(400_000)
    for _ in range(40):
        d.send_ok(body)
        reader.event()
    assert lazy.ended()
    # It ended with less than everything: what was owed to it was let go.
    assert d.status()["memory"]["used"] < 8 << 20
    assert d.send_event() in reader.event()[1]


def test_a_reader_does_not_hold_up_the_end(dev):
    d = dev()
    reader = Reader(d)
    assert d.terminate() == 0
    assert reader.ended()


def test_heads_and_daemons_with_an_upstream_have_no_stream(dev, picketd):
    d = dev()
    head = Reader(d, method="HEAD")
    assert head.status == 200 and head.ended() and head.data == b""
    assert client.once(picketd.http, "GET", "/stream").status == 404
