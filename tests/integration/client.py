"""Clients that send exact bytes: HTTP over TCP and Unix sockets, raw envelopes
with half-close, datagrams."""

import json
import socket

import wire
from settings import TIME_SCALE


class Closed(Exception):
    """The daemon closed the connection before a whole answer came."""


class Response:
    def __init__(self, version, status, reason, headers, body):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    def header(self, name, default=None):
        for k, v in self.headers:
            if k == name.lower():
                return v
        return default

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def connect(where, timeout=10.0):
    """where: a path (Unix socket) or a (host, port) pair."""
    if isinstance(where, tuple):
        s = socket.create_connection(where, timeout=timeout * TIME_SCALE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout * TIME_SCALE)
        s.connect(str(where))
    return s


def request_bytes(method, target, headers=(), body=None, version="HTTP/1.1", host="localhost"):
    """headers: (name, value) pairs; Host and Content-Length are added when absent."""
    names = {k.lower() for k, _ in headers}
    lines = [f"{method} {target} {version}"]
    if host is not None and "host" not in names:
        lines.append(f"Host: {host}")
    lines += [f"{k}: {v}" for k, v in headers]
    if body is not None and "content-length" not in names and "transfer-encoding" not in names:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


class Http:
    """One connection."""

    def __init__(self, where, timeout=10.0):
        self.sock = connect(where, timeout)
        self.buf = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError as e:
            raise Closed("reset") from e
        if not data:
            raise Closed("closed")
        self.buf += data

    def _until(self, mark):
        while mark not in self.buf:
            self._more()
        head, self.buf = self.buf.split(mark, 1)
        return head

    def _exactly(self, n):
        while len(self.buf) < n:
            self._more()
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def read(self, head_only=False):
        lines = self._until(b"\r\n\r\n").split(b"\r\n")
        version, status, reason = (lines[0].decode("latin-1").split(" ", 2) + [""])[:3]
        status = int(status)
        headers = []
        for line in lines[1:]:
            k, _, v = line.decode("latin-1").partition(":")
            headers.append((k.lower(), v.strip()))
        r = Response(version, status, reason, headers, b"")
        if head_only or status < 200 or status in (204, 304):
            return r
        if (r.header("transfer-encoding") or "").lower() == "chunked":
            while True:
                size = int(self._until(b"\r\n").split(b";")[0], 16)
                r.body += self._exactly(size)
                self._exactly(2)
                if size == 0:
                    return r
        if r.header("content-length") is not None:
            r.body = self._exactly(int(r.header("content-length")))
            return r
        try:
            while True:
                self._more()
        except Closed:
            r.body, self.buf = self.buf, b""
        return r

    def request(self, method, target, headers=(), body=None, **kw):
        self.send(request_bytes(method, target, headers, body, **kw))
        return self.read(head_only=method == "HEAD")

    def envelope(self, body, key=wire.KEY, project="42", headers=(), encoding=None, **kw):
        head = [("X-Sentry-Auth", f"Sentry sentry_key={key}, sentry_version=7, "
                                  "sentry_client=test.client/1.0")]
        if encoding:
            head.append(("Content-Encoding", encoding))
            body = wire.encode(encoding, body)
        return self.request("POST", f"/api/{project}/envelope/", head + list(headers), body, **kw)

    def is_closed(self):
        """Waits for the daemon to close; whatever it still sends is dropped."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


def once(where, method, target, headers=(), body=None, **kw):
    with Http(where) as c:
        return c.request(method, target, headers, body, **kw)


def chunked(data, cuts):
    """data as a chunked body cut at the given sizes (the last repeats)."""
    out, at, n = [], 0, 0
    while at < len(data):
        size = cuts[min(n, len(cuts) - 1)]
        part = data[at:at + size]
        out.append(b"%x\r\n%s\r\n" % (len(part), part))
        at += len(part)
        n += 1
    out.append(b"0\r\n\r\n")
    return b"".join(out)


def raw_envelope(path, data, half_close=True, timeout=10.0):
    """A raw envelope on the Unix socket: bytes, half-close, one JSON line."""
    with connect(path, timeout) as s:
        s.sendall(data)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            try:
                part = s.recv(65536)
            except ConnectionResetError:
                break
            if not part:
                break
            got += part
    assert got.endswith(b"\n") and got.count(b"\n") == 1, f"not one line: {got!r}"
    return json.loads(got)


def datagram(path, data):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.settimeout(10.0 * TIME_SCALE)
        s.connect(str(path))
        s.send(data)
