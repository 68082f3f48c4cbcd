"""Envelopes on the wire: building them, and reading them as strictly as the
normative writer of the protocol (6.4) allows."""

import datetime
import gzip
import json
import re
import uuid
import zlib
from dataclasses import dataclass, field

import brotli
import zstandard

KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"
UPSTREAM_KEY = "aaaabbbbccccddddeeeeffff00001111"

SENT_AT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")

LOG_TYPE = "application/vnd.sentry.items.log+json"
METRIC_TYPE = "application/vnd.sentry.items.trace-metric+json"
SPAN_TYPE = "application/vnd.sentry.items.span.v2+json"

# Protocol 15.2.
REASONS = {
    "queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff",
    "network_error", "sample_rate", "before_send", "event_processor", "ignored",
    "send_error", "internal_sdk_error", "insufficient_data", "invalid", "backpressure",
}

KIB, MIB = 1024, 1024 * 1024

# Protocol 9.3: group -> (types, most items, largest item, largest group).
GROUPS = {
    "event": ({"event", "transaction", "feedback", "replay_event", "security", "raw_security",
               "form_data"}, 1, MIB, MIB),
    "attachment": ({"attachment", "unreal_report", "user_report"}, 30, 200 * MIB, 200 * MIB),
    "replay recording": ({"replay_recording"}, 1, 10 * MIB, 10 * MIB),
    "replay video": ({"replay_video"}, 1, 10 * MIB, 10 * MIB),
    "session": ({"session", "sessions"}, 100, 10 * MIB, 10 * MIB),
    "client report": ({"client_report"}, 100, 100 * KIB, 100 * KIB),
    "profile": ({"profile", "profile_chunk", "profile_chunk_ui"}, 1, 50 * MIB, 50 * MIB),
    "check-in": ({"check_in"}, 1, 100 * KIB, 100 * KIB),
    "statsd": ({"statsd"}, 1, MIB, MIB),
    "metric buckets": ({"metric_buckets"}, 1, MIB, MIB),
    "log": ({"log"}, 1, 12 * MIB, 12 * MIB),
    "trace metric": ({"trace_metric"}, 1, 12 * MIB, 12 * MIB),
    "span container": ({"span v2"}, 1, 12 * MIB, 12 * MIB),
    "span legacy": ({"span"}, 25, 10 * MIB, 12 * MIB),
}
CONTAINERS = {LOG_TYPE: "log", METRIC_TYPE: "trace_metric", SPAN_TYPE: "span"}
EVENT_BOUND = {"event", "transaction", "feedback", "user_report", "profile", "replay_event",
               "security", "raw_security", "unreal_report", "form_data"}

# Protocol 7 and 8: what only Relay writes.
RELAY_ENVELOPE = {"client", "version", "origin", "remote_addr", "forwarded_for", "user_agent",
                  "client_hints", "no_cache", "retention", "downsampled_retention",
                  "required_features"}
RELAY_ITEM = {"metrics_extracted", "spans_extracted", "fully_normalized", "sampled",
              "routing_hint"}


class Malformed(Exception):
    pass


@dataclass
class Item:
    headers: dict
    payload: bytes

    @property
    def type(self):
        return self.headers.get("type")

    def json(self):
        return json.loads(self.payload)


@dataclass
class Envelope:
    headers: dict
    items: list = field(default_factory=list)
    header_line: bytes = b""

    @property
    def event_id(self):
        return self.headers.get("event_id")

    def of_type(self, name):
        return [i for i in self.items if i.type == name]

    def types(self):
        return [i.type for i in self.items]


# --- building ---------------------------------------------------------------


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def new_id():
    return uuid.uuid4().hex


def build(headers, items, final_newline=True):
    """items: (headers, payload) pairs; length is filled in when absent."""
    out = [compact(headers), b"\n"]
    for head, payload in items:
        head = dict(head)
        head.setdefault("length", len(payload))
        out += [compact(head), b"\n", payload, b"\n"]
    data = b"".join(out)
    return data if final_newline else data[:-1]


def event_payload(eid, **more):
    body = {"event_id": eid, "timestamp": 1767225600.25, "platform": "c", "level": "error",
            "message": {"formatted": "something broke"}}
    body.update(more)
    return compact(body)


def event(eid=None, headers=None, **more):
    eid = eid or new_id()
    head = {"event_id": eid}
    head.update(headers or {})
    return build(head, [({"type": "event"}, event_payload(eid, **more))])


def event_of_size(size, eid=None):
    """An envelope whose event payload is exactly size bytes."""
    eid = eid or new_id()
    bare = len(event_payload(eid, pad=""))
    payload = event_payload(eid, pad="x" * (size - bare))
    assert len(payload) == size
    return build({"event_id": eid}, [({"type": "event"}, payload)])


def transaction(eid=None, spans=2, headers=None):
    eid = eid or new_id()
    body = {"event_id": eid, "type": "transaction", "transaction": "GET /x", "platform": "c",
            "start_timestamp": 1767225600.0, "timestamp": 1767225600.5,
            "contexts": {"trace": {"trace_id": new_id(), "span_id": "1234567890abcdef"}},
            "spans": [{"span_id": f"{n:016x}", "trace_id": eid} for n in range(spans)]}
    return build({"event_id": eid, **(headers or {})}, [({"type": "transaction"}, compact(body))])


def logs_payload(entries):
    trace = new_id()
    return compact({"items": [{"timestamp": 1767225600.5, "trace_id": trace, "level": "info",
                               "body": text, "attributes": {}} for text in entries]})


def logs(entries, headers=None):
    return build(headers or {}, [({"type": "log", "item_count": len(entries),
                                   "content_type": LOG_TYPE}, logs_payload(entries))])


def metrics(names, headers=None):
    trace = new_id()
    body = compact({"items": [{"timestamp": 1767225600.5, "trace_id": trace, "name": n,
                               "type": "counter", "value": 1, "attributes": {}} for n in names]})
    return build(headers or {}, [({"type": "trace_metric", "item_count": len(names),
                                   "content_type": METRIC_TYPE}, body)])


def session(sid=None, **more):
    body = {"sid": sid or str(uuid.uuid4()), "init": True, "started": "2026-01-01T00:00:00Z",
            "status": "ok", "errors": 0, "attrs": {"release": "app@1.0"}}
    body.update(more)
    return build({}, [({"type": "session"}, compact(body))])


def check_in(slug="nightly"):
    body = {"check_in_id": new_id(), "monitor_slug": slug, "status": "ok"}
    return build({}, [({"type": "check_in"}, compact(body))])


def client_report(reason="before_send", category="error", quantity=1):
    now = datetime.datetime.now(datetime.timezone.utc).timestamp()
    body = {"timestamp": now - 1, "discarded_events": [
        {"reason": reason, "category": category, "quantity": quantity}]}
    return build({}, [({"type": "client_report"}, compact(body))])


def encode(name, data):
    """data under one HTTP content encoding, as clients send it."""
    if name in (None, "identity"):
        return data
    if name in ("gzip", "x-gzip"):
        return gzip.compress(data)
    if name == "deflate":
        return zlib.compress(data)
    if name == "deflate-raw":
        c = zlib.compressobj(wbits=-15)
        return c.compress(data) + c.flush()
    if name == "br":
        return brotli.compress(data, quality=4)
    if name == "zstd":
        return zstandard.ZstdCompressor().compress(data)
    raise ValueError(name)


# --- reading ----------------------------------------------------------------


def decode_body(encoding, data):
    """Undoes Content-Encoding; nothing may be left over, zstd must be one frame."""
    if encoding is None:
        return data
    if encoding == "gzip":
        d = zlib.decompressobj(wbits=31)
        out = d.decompress(data)
        if not d.eof or d.unused_data:
            raise Malformed("gzip body is truncated or has bytes after its end")
        return out
    if encoding == "br":
        try:
            return brotli.decompress(data)
        except brotli.error as e:
            raise Malformed(f"br body: {e}") from e
    if encoding == "zstd":
        d = zstandard.ZstdDecompressor().decompressobj()
        try:
            out = d.decompress(data)
        except zstandard.ZstdError as e:
            raise Malformed(f"zstd body: {e}") from e
        if not d.eof or d.unused_data:
            raise Malformed("zstd body is not exactly one frame")
        return out
    raise Malformed(f"content encoding {encoding!r}")


def unique_object(pairs):
    seen = {}
    for k, v in pairs:
        if k in seen:
            raise Malformed(f"key {k!r} twice in one header")
        seen[k] = v
    return seen


def blanks_outside_strings(line):
    inside = escaped = False
    for byte in line:
        if inside:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in b" \t\r\n":
            return True
    return False


def header_object(line, what):
    if not line.startswith(b"{") or not line.endswith(b"}"):
        raise Malformed(f"{what} is not one object on one line: {line[:80]!r}")
    if blanks_outside_strings(line):
        raise Malformed(f"{what} is not compact JSON: {line[:80]!r}")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Malformed(f"{what} is not UTF-8") from e
    try:
        return json.loads(text, object_pairs_hook=unique_object)
    except ValueError as e:
        raise Malformed(f"{what} is not JSON: {e}") from e


def parse_strict(data):
    """An Envelope, or Malformed when data is not what the writer of 6.4 writes."""
    end = data.find(b"\n")
    if end < 0:
        raise Malformed("no LF after the envelope header")
    env = Envelope(header_object(data[:end], "envelope header"), [], data[:end])
    at = end + 1
    while at < len(data):
        end = data.find(b"\n", at)
        if end < 0:
            raise Malformed("no LF after an item header")
        head = header_object(data[at:end], "item header")
        length = head.get("length")
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise Malformed(f"item length is {length!r}")
        start = end + 1
        if start + length >= len(data):
            raise Malformed("an item ends beyond the envelope, or without LF")
        if data[start + length:start + length + 1] != b"\n":
            raise Malformed("no LF after a payload")
        env.items.append(Item(head, data[start:start + length]))
        at = start + length + 1
    return env


def group_of(item):
    name = item.type
    if name == "span" and item.headers.get("content_type") == SPAN_TYPE:
        name = "span v2"
    for group, (types, *_rest) in GROUPS.items():
        if name in types:
            return group
    return None


def check_limits(env):
    """Violations of the count and size table (9.3, P-064)."""
    bad = []
    counts, sizes = {}, {}
    for item in env.items:
        group = group_of(item)
        if group is None:
            continue
        counts[group] = counts.get(group, 0) + 1
        sizes[group] = sizes.get(group, 0) + len(item.payload)
        if len(item.payload) > GROUPS[group][2]:
            bad.append(f"{item.type} of {len(item.payload)} bytes")
    for group, (_types, most, _one, total) in GROUPS.items():
        if counts.get(group, 0) > most:
            bad.append(f"{counts[group]} items of group {group}, {most} allowed")
        if sizes.get(group, 0) > total:
            bad.append(f"group {group} has {sizes[group]} bytes, {total} allowed")
    return bad


def check_container(item):
    content_type = item.headers.get("content_type")
    want = CONTAINERS.get(content_type)
    if want is None:
        if item.type in ("log", "trace_metric"):
            return [f"{item.type} with content type {content_type!r}"]
        return []
    if want != item.type:
        return [f"content type of {want} on a {item.type}"]
    try:
        count = len(json.loads(item.payload)["items"])
    except (ValueError, KeyError, TypeError):
        return [f"{item.type} container does not parse"]
    if item.headers.get("item_count") != count:
        return [f"item_count {item.headers.get('item_count')!r}, {count} entries"]
    return []


def check_report(item, now):
    try:
        body = json.loads(item.payload)
    except ValueError:
        return ["client report is not JSON"]
    bad = []
    stamp = body.get("timestamp")
    if isinstance(stamp, (int, float)) and stamp > now + 5:
        bad.append("client report from the future (P-124)")
    for entry in body.get("discarded_events", []):
        if entry.get("reason") not in REASONS:
            bad.append(f"client report reason {entry.get('reason')!r} (P-122)")
        quantity = entry.get("quantity")
        if not isinstance(quantity, int) or quantity <= 0:
            bad.append(f"client report quantity {quantity!r}")
    return bad


def creates_event(item):
    return item.type == "attachment" and item.headers.get("attachment_type") in {
        "event.minidump", "event.applecrashreport", "event.payload", "event.breadcrumbs"}


def check_envelope(env, now, allowed_headers=frozenset()):
    """Everything the protocol says about an envelope a hop may emit."""
    bad = []
    sent_at = env.headers.get("sent_at")
    if not isinstance(sent_at, str) or not SENT_AT.match(sent_at):
        bad.append(f"sent_at is {sent_at!r} (P-138)")
    eid = env.headers.get("event_id")
    if eid is not None and not re.fullmatch(r"[0-9a-f]{32}", str(eid)):
        bad.append(f"event_id is {eid!r}")
    if not env.items:
        bad.append("an envelope without items (P-030)")
    for name in env.headers.keys() & RELAY_ENVELOPE - set(allowed_headers):
        bad.append(f"Relay's envelope header {name} (P-060)")
    for item in env.items:
        if not isinstance(item.type, str):
            bad.append("item without type")
            continue
        if item.type == "integration":
            bad.append("item of type integration")
        if item.type in EVENT_BOUND and eid is None:
            bad.append(f"{item.type} without event_id in the envelope header")
        for name in item.headers.keys() & RELAY_ITEM - set(allowed_headers):
            bad.append(f"Relay's item header {name} (P-060)")
        bad += check_container(item)
        if item.type == "client_report":
            bad += check_report(item, now)
    return bad + check_limits(env)
