"""A Sentry that forgives nothing.

It reads every request as the protocol says picket must write it and records
each departure as a violation; the fixture fails the test that caused one. What
it answers follows a script, down to resets, silence and garbage at byte level.
"""

import collections
import json
import re
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

import wire
from settings import TIME_SCALE

REASON = {200: "OK", 201: "Created", 202: "Accepted", 301: "Moved Permanently", 302: "Found",
          307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
          401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 408: "Request Timeout",
          413: "Payload Too Large", 415: "Unsupported Media Type", 425: "Too Early",
          429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
          503: "Service Unavailable", 504: "Gateway Timeout"}

# Protocol 14.1; accept and expect come from the HTTP library and say nothing.
HEADERS = {"host", "content-type", "content-encoding", "content-length", "x-sentry-auth",
           "user-agent", "origin", "x-forwarded-for", "accept", "expect"}
AUTH = re.compile(r"^Sentry sentry_key=(?P<key>[0-9a-f]{32}), ?sentry_version=(?P<version>\d+)"
                  r"(, ?sentry_client=(?P<client>[^,]+))?(, ?sentry_secret=(?P<secret>[^,]+))?$")
TARGET = re.compile(r"^(?P<prefix>(/[^/?]+)*)/api/(?P<project>\d+)/envelope/$")
# What is carried as it came (20): everything else below a project.
CARRIED = re.compile(r"^(?P<prefix>(/[^/?]+)*)/api/(?P<project>[1-9]\d*)/(?P<rest>[^?]+?)"
                     r"(\?(?P<query>.*))?$")
UNREAL = re.compile(r"^unreal/(?P<key>[0-9a-f]{32})/$")
# Protocol 20.8; a client's secrets are nobody's business either.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te",
              "trailer", "transfer-encoding", "upgrade", "cookie", "authorization", "referer",
              "forwarded", "via"}
HEADER_LINE = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*$")


@dataclass
class Answer:
    """What to do with a request. how: answer, reset (before the answer),
    reset_early (before the body), close, garbage, truncated."""

    status: int = 200
    headers: tuple = ()
    body: bytes = None
    how: str = "answer"
    gate: threading.Event = None
    close: bool = False


@dataclass
class Request:
    method: str
    target: str
    headers: list
    connection: int
    http: str
    at: float
    project: str = None
    key: str = None
    auth: dict = field(default_factory=dict)
    raw: bytes = b""
    body: bytes = b""
    envelope: wire.Envelope = None
    rest: str = None  # of a carried request: the path below its project
    query: str = ""
    status: int = None  # None: no answer was given

    def header(self, name, default=None):
        for k, v in self.headers:
            if k == name:
                return v
        return default

    @property
    def is_ok(self):
        return self.status is not None and 200 <= self.status < 300


class Gone(Exception):
    """The peer closed, or this server is going down."""


def hard_reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Reader:
    def __init__(self, sock):
        self.sock = sock
        self.buf = b""

    def more(self):
        try:
            data = self.sock.recv(262144)
        except (OSError, ValueError) as e:
            raise Gone() from e
        if not data:
            raise Gone()
        self.buf += data

    def until(self, mark):
        while mark not in self.buf:
            if len(self.buf) > 1 << 20:
                raise Gone()
            self.more()
        head, self.buf = self.buf.split(mark, 1)
        return head

    def exactly(self, n):
        parts, have = [self.buf], len(self.buf)
        while have < n:
            self.buf = b""
            self.more()
            parts.append(self.buf)
            have += len(self.buf)
        data = b"".join(parts)
        self.buf = data[n:]
        return data[:n]


class FakeSentry:
    def __init__(self, tls=None, prefix="", key=wire.UPSTREAM_KEY, project="7"):
        self.tls = tls
        self.prefix = prefix
        self.key = key
        self.project = project
        self.allowed_request_headers = set()
        self.allowed_envelope_headers = set()
        self.check_envelopes = True
        self.cond = threading.Condition()
        self.requests = []
        self.probes = []
        self.violations = []
        #: Answer 413 to what breaks the table of 9.3, as Sentry does, and expect it in parts.
        self.refuses_by_table = False
        self.connections = 0
        self.handshake_failures = 0
        self.rules = []
        self.gates = []
        self.open = set()
        self.listener = None
        self.port = 0
        self.up()

    # --- for tests ---

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def dsn(self):
        return self.dsn_for(self.key, self.project)

    def dsn_for(self, key, project):
        return f"{self.scheme}://{key}@{self.host}{self.prefix}/{project}"

    @property
    def url(self):
        return f"{self.scheme}://{self.host}{self.prefix}"

    def script(self, answer, times=None, when=None):
        """The first rule that matches and has times left decides; else 200."""
        with self.cond:
            self.rules.append([answer, times, when or (lambda request: True)])

    def clear_script(self):
        with self.cond:
            self.rules.clear()

    def gate(self):
        g = threading.Event()
        self.gates.append(g)
        return g

    def accepted(self):
        """Requests that were answered 2xx, in order of their answer."""
        with self.cond:
            return [r for r in self.requests if r.is_ok]

    def envelopes(self):
        return [r.envelope for r in self.accepted() if r.envelope]

    def items(self, kind):
        return [i for e in self.envelopes() for i in e.of_type(kind)]

    def payloads(self, *kinds):
        """Payload bytes of accepted items, client reports left out unless asked for."""
        return [i.payload for e in self.envelopes() for i in e.items
                if (i.type in kinds if kinds else i.type != "client_report")]

    def event_ids(self):
        return [e.event_id for e in self.envelopes() if e.event_id]

    def discarded(self):
        """(reason, category) -> quantity over all accepted client reports."""
        total = collections.Counter()
        for item in self.items("client_report"):
            for entry in item.json().get("discarded_events", []):
                total[entry["reason"], entry["category"]] += entry["quantity"]
        return total

    def wait_for(self, predicate, timeout=10.0, what="upstream condition"):
        timeout *= TIME_SCALE
        with self.cond:
            if not self.cond.wait_for(predicate, timeout):
                raise AssertionError(
                    f"{what} not reached within {timeout:.0f} s; upstream saw "
                    f"{[(r.status, r.envelope and r.envelope.types()) for r in self.requests][-20:]}"
                    f" ({len(self.requests)} requests, {self.connections} connections)")
            return True

    def wait_event(self, eid, timeout=10.0):
        """The accepted request that carried this event id."""
        self.wait_for(lambda: any(r.is_ok and r.envelope and r.envelope.event_id == eid
                                  for r in self.requests), timeout, f"event {eid}")
        return next(r for r in self.accepted() if r.envelope and r.envelope.event_id == eid)

    def wait_events(self, eids, timeout=20.0):
        want = set(eids)

        def missing():
            return want - {r.envelope.event_id for r in self.requests if r.is_ok and r.envelope}

        self.wait_for(lambda: not missing(), timeout, f"{len(want)} events")

    def wait_requests(self, n, timeout=10.0):
        self.wait_for(lambda: len(self.requests) >= n, timeout, f"{n} requests")

    # --- listening ---

    def up(self):
        """Listens, again on the same port after down()."""
        if self.listener is not None:
            return
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", self.port))
        s.listen(512)
        self.port = s.getsockname()[1]
        self.listener = s
        threading.Thread(target=self._accept, args=(s,), daemon=True).start()

    def down(self, reset=True):
        """Refuses connections and breaks the open ones."""
        listener, self.listener = self.listener, None
        if listener is not None:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        with self.cond:
            socks, self.open = list(self.open), set()
        for s in socks:
            try:
                if reset:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.down()
        for g in self.gates:
            g.set()

    def drop_connections(self):
        """Closes keep-alive connections, goes on listening."""
        with self.cond:
            socks = list(self.open)
        for s in socks:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                sock, _peer = listener.accept()
            except OSError:
                return
            with self.cond:
                if self.listener is not listener:
                    sock.close()
                    return
                self.connections += 1
                number = self.connections
                self.open.add(sock)
                self.cond.notify_all()
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, raw, number):
        sock = raw
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                try:
                    sock = self.tls.wrap_socket(raw, server_side=True)
                except (OSError, ssl.SSLError):
                    with self.cond:
                        self.handshake_failures += 1
                        self.cond.notify_all()
                    return
                with self.cond:
                    self.open.discard(raw)
                    self.open.add(sock)
                if sock.selected_alpn_protocol() == "h2":
                    Http2(self, sock, number).run()
                    return
            reader = Reader(sock)
            while self._one(sock, reader, number):
                pass
        except (Gone, OSError, ValueError):
            pass
        finally:
            with self.cond:
                self.open.discard(raw)
                self.open.discard(sock)
            try:
                sock.close()
            except OSError:
                pass

    # --- one HTTP/1.1 request ---

    def _one(self, sock, reader, number):
        head = reader.until(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        parts = lines[0].decode("latin-1").split(" ")
        if len(parts) != 3:
            self.violation(f"request line {lines[0]!r}")
            raise Gone()
        headers = []
        for line in lines[1:]:
            m = HEADER_LINE.match(line)
            if not m:
                self.violation(f"header line {line!r}")
                continue
            headers.append((m[1].decode("latin-1").lower(), m[2].decode("latin-1")))
        req = Request(parts[0], parts[1], headers, number, parts[2], time.monotonic())
        self._place(req)

        early = self._decide(req, early=True)
        if early is not None:
            self._record(req, None)
            hard_reset(sock)
            raise Gone()
        req.raw = self._body(sock, reader, req)
        answer = self._receive(req)
        return self._answer(sock, req, answer)

    def _body(self, sock, reader, req):
        if (req.header("expect") or "").lower() == "100-continue":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if req.header("transfer-encoding"):
            self.violation("Transfer-Encoding instead of Content-Length")
            data = b""
            while True:
                size = int(reader.until(b"\r\n").split(b";")[0], 16)
                data += reader.exactly(size)
                reader.until(b"\r\n")
                if size == 0:
                    return data
        length = req.header("content-length")
        return reader.exactly(int(length)) if length else b""

    def _answer(self, sock, req, answer):
        if answer.gate is not None:
            answer.gate.wait()
        if answer.how == "answer":
            body = self._answer_body(req, answer)
            head = [f"HTTP/1.1 {answer.status} {REASON.get(answer.status, 'Status')}",
                    "Content-Type: application/json", f"Content-Length: {len(body)}"]
            head += [f"{k}: {v}" for k, v in answer.headers]
            if answer.close:
                head.append("Connection: close")
            # Recorded first: a test that sees the daemon act on the answer must find it here.
            self._record(req, answer.status)
            sock.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
            return not answer.close
        self._record(req, None)
        if answer.how == "garbage":
            sock.sendall(b"\x00\xff\x16SSH-2.0 nonsense\n\n\n" * 20)
        elif answer.how == "truncated":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 500\r\n\r\n{\"id\":\"")
        elif answer.how == "reset":
            hard_reset(sock)
        raise Gone()

    def _answer_body(self, req, answer):
        if answer.body is not None:
            return answer.body
        if answer.status == 200:
            eid = req.envelope.event_id if req.envelope else None
            return wire.compact({"id": eid} if eid else {})
        return wire.compact({"detail": f"scripted {answer.status}"})

    # --- judging ---

    def violation(self, text):
        with self.cond:
            self.violations.append(text)
            self.cond.notify_all()

    def _place(self, req):
        m = TARGET.match(req.target)
        if m:
            req.project = m["project"]
            return
        m = CARRIED.match(req.target)
        if m and m["prefix"] == self.prefix and m["rest"].strip("/") != "envelope":
            req.project, req.rest, req.query = m["project"], m["rest"], m["query"] or ""

    def _decide(self, req, early=False):
        with self.cond:
            for rule in self.rules:
                answer, times, when = rule
                if (answer.how == "reset_early") != early or times == 0 or not when(req):
                    continue
                if times is not None:
                    rule[1] -= 1
                    self.cond.notify_all()
                return answer
        return None if early else Answer()

    def _record(self, req, status):
        with self.cond:
            req.status = status
            is_data = req.method == "POST" or req.rest is not None
            (self.requests if is_data else self.probes).append(req)
            self.cond.notify_all()

    def _receive(self, req):
        """Validates a complete request and says how to answer it."""
        for name, _ in req.headers:
            if name.startswith("x-sentry-relay"):
                self.violation(f"header {name}")
        if req.rest is not None:
            for text in self._carried_faults(req):
                self.violation(f"{req.method} {req.target}: {text}")
            return self._decide(req)
        if req.method in ("GET", "HEAD", "OPTIONS"):
            # The cheap probe of an outage: no data and no credentials.
            if req.raw or req.header("x-sentry-auth") or "sentry_key" in req.target:
                self.violation(f"{req.method} {req.target} with data or credentials")
            return self._decide(req)
        for text in self._faults(req):
            self.violation(f"{req.method} {req.target}: {text}")
        if self.refuses_by_table and req.envelope and wire.check_limits(req.envelope):
            return Answer(413)
        return self._decide(req)

    def _faults(self, req):
        m = TARGET.match(req.target)
        if req.method != "POST" or not m or m["prefix"] != self.prefix:
            yield f"not POST {self.prefix}/api/PROJECT/envelope/"
        names = [k for k, _ in req.headers]
        for name in set(names):
            if name not in HEADERS | self.allowed_request_headers:
                yield f"header {name} (14.1)"
            if names.count(name) > 1:
                yield f"header {name} twice"
        if req.header("host") != self.host:
            yield f"Host is {req.header('host')}"
        if req.header("content-type") != "application/x-sentry-envelope":
            yield f"Content-Type is {req.header('content-type')}"
        if req.header("content-length") is None and req.http != "HTTP/2":
            yield "no Content-Length"
        yield from self._auth_faults(req)
        try:
            req.body = wire.decode_body(req.header("content-encoding"), req.raw)
            req.envelope = wire.parse_strict(req.body)
        except Exception as e:  # whatever a broken body makes a decoder raise
            yield f"{type(e).__name__}: {e}"
            return
        if not self.check_envelopes:
            return
        expected = wire.check_limits(req.envelope) if self.refuses_by_table else []
        for text in wire.check_envelope(
                req.envelope, time.time(), self.allowed_envelope_headers):
            if text not in expected:
                yield text
        dsn = req.envelope.headers.get("dsn")
        if dsn is not None and dsn != self.dsn_for(req.key, req.project):
            yield f"dsn header {dsn} (P-058)"

    def _carried_faults(self, req):
        names = [k for k, _ in req.headers]
        for name in sorted(set(names)):
            if name in HOP_BY_HOP or name.startswith(("proxy-", "x-sentry-relay-")):
                yield f"header {name} (20.8)"
            if names.count(name) > 1:
                yield f"header {name} twice"
        if req.header("host") != self.host:
            yield f"Host is {req.header('host')}"
        if req.method == "POST" and req.header("content-length") is None and req.http != "HTTP/2":
            yield "no Content-Length"
        if re.search(r"(^|&)sentry_(key|secret|version|client)=", req.query):
            yield f"credentials in the query {req.query}"
        m = UNREAL.match(req.rest)
        if m:
            req.key = m["key"]
            if req.header("x-sentry-auth"):
                yield "X-Sentry-Auth beside the key in the path (4.4)"
        else:
            yield from self._auth_faults(req)
        try:
            req.body = wire.decode_body(req.header("content-encoding"), req.raw)
        except Exception as e:  # whatever a broken body makes a decoder raise
            yield f"{type(e).__name__}: {e}"

    def wait_carried(self, rest, timeout=10.0, times=1):
        """The accepted request that went to this path below its project."""
        def found():
            return [r for r in self.requests if r.is_ok and r.rest == rest]

        self.wait_for(lambda: len(found()) >= times, timeout, f"a request to {rest}")
        return found()[-1]

    def _auth_faults(self, req):
        if req.header("authorization"):
            yield "Authorization beside X-Sentry-Auth (P-105)"
        m = AUTH.match(req.header("x-sentry-auth") or "")
        if not m:
            yield f"X-Sentry-Auth is {req.header('x-sentry-auth')!r} (P-105)"
            return
        req.key = m["key"]
        req.auth = {k: v for k, v in m.groupdict().items() if v is not None}
        if "client" not in req.auth:
            yield "no sentry_client (P-106)"


class Http2:
    """One HTTP/2 connection; each answer is given by a thread of its own so
    that a held stream does not hold the others."""

    def __init__(self, sentry, sock, number):
        self.sentry, self.sock, self.number = sentry, sock, number
        self.lock = threading.Lock()
        self.conn = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        self.streams = {}
        self.windows = threading.Condition(self.lock)

    def run(self):
        with self.lock:
            self.conn.initiate_connection()
            self.conn.increment_flow_control_window(16 << 20)
            self.flush()
        while True:
            data = self.sock.recv(262144)
            if not data:
                raise Gone()
            with self.lock:
                try:
                    events = self.conn.receive_data(data)
                except h2.exceptions.ProtocolError as e:
                    self.sentry.violation(f"HTTP/2: {e}")
                    raise Gone() from e
                for event in events:
                    self.on_event(event)
                self.flush()

    def flush(self):
        data = self.conn.data_to_send()
        if data:
            self.sock.sendall(data)

    def on_event(self, event):
        if isinstance(event, h2.events.RequestReceived):
            pseudo = {k: v for k, v in event.headers if k.startswith(":")}
            headers = [("host", pseudo.get(":authority"))]
            headers += [(k, v) for k, v in event.headers if not k.startswith(":")]
            req = Request(pseudo[":method"], pseudo[":path"], headers, self.number, "HTTP/2",
                          time.monotonic())
            self.sentry._place(req)
            self.streams[event.stream_id] = (req, [])
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id][1].append(event.data)
            if event.flow_controlled_length:
                self.conn.acknowledge_received_data(event.flow_controlled_length,
                                                    event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            req, parts = self.streams.pop(event.stream_id)
            req.raw = b"".join(parts)
            threading.Thread(target=self.answer, args=(req, event.stream_id),
                             daemon=True).start()
        elif isinstance(event, h2.events.StreamReset):
            self.streams.pop(event.stream_id, None)

    def answer(self, req, stream):
        answer = self.sentry._receive(req)
        if answer.gate is not None:
            answer.gate.wait()
        status = answer.status if answer.how == "answer" else None
        body = self.sentry._answer_body(req, answer)
        self.sentry._record(req, status)
        with self.lock:
            try:
                if status is None:
                    self.conn.reset_stream(stream)
                else:
                    self.conn.send_headers(stream, [(":status", str(status)),
                                                    ("content-length", str(len(body)))]
                                           + [(k.lower(), str(v)) for k, v in answer.headers])
                    self.conn.send_data(stream, body, end_stream=True)
                self.flush()
            except (OSError, h2.exceptions.ProtocolError):
                pass


def dump(sentry):
    """For a failure report: what came, in order."""
    lines = []
    for r in sentry.requests[-50:]:
        kinds = r.envelope.types() if r.envelope else None
        lines.append(f"{r.at:.3f} conn={r.connection} {r.target} -> {r.status} {kinds} "
                     f"{json.dumps(r.envelope.headers)[:200] if r.envelope else ''}")
    return "\n".join(lines)
