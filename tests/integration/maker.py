"""Random envelopes, what has to come of them, and what came."""

import collections
import datetime
import json
import random

import wire
from wire import KEY

# Odd, and nothing that a rule about secrets would take for one.
STRINGS = ['""', '"plain"', '"ünï€ 😀"', '"tab\\tand \\u00e9scape"', '"\\ud83d\\ude00"',
           '"\\u0000"',
           '"a \\"quoted\\" \\\\ word"', '"\\/"']
NUMBERS = ["0", "-0", "7", "-12.50", "1e3", "1E-2", "9223372036854775807", "18446744073709551615",
           "0.1000", "1742921669.158209"]


class Maker:
    """Envelopes, and what has to come of them."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.quantities = collections.Counter()
        self.payloads = collections.Counter()  # of items that pass byte for byte
        self.entries = collections.Counter()   # texts of log and metric entries
        self.sums = collections.Counter()      # of session aggregates
        self.reports = collections.Counter()
        self.traces = [self.hex() for _ in range(3)]

    def counters(self):
        return [c.copy() for c in (self.quantities, self.payloads, self.entries, self.sums,
                                   self.reports)]

    def set_counters(self, saved):
        (self.quantities, self.payloads, self.entries, self.sums,
         self.reports) = [c.copy() for c in saved]

    def hex(self, digits=32):
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def count(self, **quantities):
        self.quantities.update(quantities)

    def json(self, depth=0):
        """Text of a JSON value with blanks where they may be."""
        rng = self.rng
        blank = rng.choice(["", "", "", " ", "\t", "\r\n"])
        kind = rng.randrange(6 if depth < 4 else 4)
        if kind == 0:
            text = rng.choice(STRINGS)
        elif kind == 1:
            text = rng.choice(NUMBERS)
        elif kind <= 3:
            text = rng.choice(["true", "false", "null", '"x"'])
        elif kind == 4:
            text = "[" + ",".join(self.json(depth + 1) for _ in range(rng.randrange(4))) + "]"
        else:
            text = "{" + ",".join(f'{blank}"k{n}"{blank}:{self.json(depth + 1)}'
                                  for n in range(rng.randrange(4))) + blank + "}"
        return blank + text + blank

    def object(self, **members):
        fixed = [f'"{k}":{json.dumps(v)}' for k, v in members.items()]
        if self.rng.random() < 0.2:
            fixed.append(f'"pad":"{"abcdefgh " * self.rng.randrange(400)}"')
        more = [f'"x{n}":{self.json()}' for n in range(self.rng.randrange(4))]
        return ("{" + ",".join(fixed + more) + "}").encode()

    def blob(self):
        return self.rng.randbytes(self.rng.choice([0, 1, 7, 300, 5000]))

    # --- items: (headers, payload), counted and remembered ---

    def plain(self, kind, payload, **head):
        self.payloads[kind, payload] += 1
        if self.rng.random() < 0.2:
            head["x_head"] = self.rng.choice([1, "ü", None, [1, {"a": "b"}]])
        if self.rng.random() < 0.2 and b"\n" not in payload:
            return {**head, "type": kind, "length": None}, payload
        return {**head, "type": kind}, payload

    def event(self, eid):
        self.count(error=1)
        return self.plain("event", self.object(event_id=eid, level="error", mark=self.hex()))

    def transaction(self, eid):
        spans = self.rng.randrange(4)
        self.count(transaction=1, span=spans + 1)
        return self.plain("transaction", self.object(
            event_id=eid, type="transaction", spans=[{"span_id": self.hex(16)}] * spans))

    def feedback(self, eid):
        self.count(feedback=1)
        return self.plain("feedback", self.object(event_id=eid))

    def attachment(self):
        data = self.blob()
        self.count(attachment=max(len(data), 1), attachment_item=1)
        return self.plain("attachment", data, filename=self.hex(6))

    def minidump(self, beside_event):
        data = b"MDMP" + self.blob()
        self.count(attachment=len(data), attachment_item=1)
        if not beside_event:
            self.count(error=1)
        return self.plain("attachment", data, attachment_type="event.minidump", filename="m.dmp")

    def user_report(self, eid):
        self.count(feedback=1)
        return self.plain("user_report", self.object(event_id=eid, comments="c"))

    def profile(self):
        self.count(profile=1)
        return self.plain("profile", self.object(platform="python"), platform="python")

    def profile_chunk(self):
        self.count(profile_chunk=1)
        return self.plain("profile_chunk", self.object(profiler_id=self.hex(), platform="python"),
                          platform="python")

    def replay(self, eid):
        self.count(replay=1)
        return [self.plain("replay_event", self.object(replay_id=eid, segment_id=0)),
                self.plain("replay_recording", b'{"segment_id":0}\n' + self.blob())]

    def spans(self, trace):
        texts = [self.object(trace_id=trace, span_id=self.hex(16), name="s")
                 for _ in range(self.rng.randrange(1, 6))]
        self.entries.update(("span", t) for t in texts)
        self.count(span=len(texts))
        return ({"type": "span", "item_count": len(texts), "content_type": wire.SPAN_TYPE},
                b'{"items":[' + b",".join(texts) + b"]}")

    def span(self):
        self.count(span=1)
        return self.plain("span", self.object(trace_id=self.hex(), span_id=self.hex(16)))

    def statsd(self):
        lines = [f"m{self.hex(6)}@none:{k}|c|#a:b|T1767225600".encode()
                 for k in range(self.rng.randrange(1, 5))]
        self.entries.update(("statsd", line) for line in lines)
        self.count(metric_bucket=len(lines))
        return {"type": "statsd"}, b"\n".join(lines) + self.rng.choice([b"", b"\n"])

    def buckets(self):
        texts = [self.object(name="c:custom/" + self.hex(), value=1)
                 for _ in range(self.rng.randrange(1, 5))]
        self.entries.update(("metric_buckets", t) for t in texts)
        self.count(metric_bucket=len(texts))
        return {"type": "metric_buckets"}, b"[" + b",".join(texts) + b"]"

    def unknown(self):
        return self.plain("from_2040", self.blob())

    def session(self):
        self.count(session=1)
        return self.plain("session", self.object(
            sid=self.hex(), started="2026-01-01T00:00:00Z", status="ok",
            attrs={"release": "r"}))

    def sessions(self):
        rows = []
        attrs = {"release": self.rng.choice("ab")}
        for minute in self.rng.sample(range(5), self.rng.randrange(1, 4)):
            row = {"started": f"2026-01-01T00:0{minute}:00Z"}
            for name in ("exited", "errored", "crashed"):
                row[name] = self.rng.randrange(5)
                self.sums[attrs["release"], row["started"], name] += row[name]
                self.count(session=row[name])
            rows.append(row)
        return {"type": "sessions"}, wire.compact({"aggregates": rows, "attrs": attrs})

    def check_in(self):
        self.count(monitor=1)
        return self.plain("check_in", self.object(check_in_id=self.hex(), monitor_slug="s",
                                                  status="ok"))

    def container(self, kind, content_type, **members):
        texts = [self.object(mark=self.hex(), **members)
                 for _ in range(self.rng.randrange(1, 6))]
        self.entries.update((kind, t) for t in texts)
        payload = b'{"items":[' + b",".join(texts) + b"]}"
        return ({"type": kind, "item_count": len(texts), "content_type": content_type},
                payload, len(texts))

    def log(self):
        head, payload, n = self.container("log", wire.LOG_TYPE, timestamp=1767225600.5, body="b",
                                          level="info", trace_id=self.hex())
        self.count(log_item=n, log_byte=len(payload))
        return head, payload

    def metric(self):
        head, payload, n = self.container("trace_metric", wire.METRIC_TYPE, name="m", value=1,
                                          type="counter", timestamp=1767225600.5,
                                          trace_id=self.hex())
        self.count(trace_metric=n, trace_metric_byte=len(payload))
        return head, payload

    def report(self):
        entry = {"reason": self.rng.choice(["before_send", "sample_rate"]),
                 "category": self.rng.choice(["error", "transaction"]),
                 "quantity": self.rng.randrange(1, 9)}
        self.reports[entry["reason"], entry["category"]] += entry["quantity"]
        return {"type": "client_report"}, wire.compact({"discarded_events": [entry]})

    # --- envelopes ---

    def envelope(self):
        """(headers, items, event id or None)"""
        rng = self.rng
        eid = self.hex()
        head = {}
        if rng.random() < 0.6:
            # Now, as picket would write it: such bodies may pass as they are.
            now = datetime.datetime.now(datetime.timezone.utc)
            head["sent_at"] = rng.choice(["2026-01-01T00:00:00.5Z",
                                          now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")])
        if rng.random() < 0.2:
            head["sdk"] = {"name": "sentry.x", "version": "1"}
        if rng.random() < 0.2:
            head["x_envelope"] = json.loads(self.json())
        what = rng.randrange(13)
        if what <= 2:
            head["event_id"] = eid
            first = rng.choice([self.event, self.transaction, self.feedback])(eid)
            items = [first] + [self.attachment() for _ in range(rng.randrange(3))]
            if first[0]["type"] == "event" and rng.random() < 0.2:
                items.append(self.minidump(True))
            if first[0]["type"] == "transaction" and rng.random() < 0.3:
                items.append(self.profile())
            if rng.random() < 0.1:
                items.append(self.user_report(eid))
            if rng.random() < 0.2:
                items.append(self.session())
            rng.shuffle(items)
        elif what == 3:
            items = [rng.choice([self.session, self.sessions])()
                     for _ in range(rng.randrange(1, 5))]
        elif what == 4:
            items = [self.check_in()]
        elif what in (5, 6):
            items = [rng.choice([self.log, self.metric, self.statsd, self.buckets])()]
        elif what == 7:
            items = [self.unknown() for _ in range(rng.randrange(1, 3))]
        elif what == 8:
            head["event_id"] = eid
            items = [rng.choice([self.attachment, lambda: self.minidump(False)])()]
        elif what == 9:
            head["event_id"] = eid
            items = self.replay(eid)
        elif what == 10:
            items = [rng.choice([self.profile_chunk, self.span])()]
        elif what == 11:
            trace = rng.choice(self.traces)
            head["trace"] = {"trace_id": trace, "public_key": KEY, "sample_rate": "1.0"}
            items = [self.spans(trace)]
        else:
            items = self.too_much(head, eid)
        if rng.random() < 0.15:
            items.append(self.report())
        return head, items, head.get("event_id")

    def too_much(self, head, eid):
        """Items that Sentry would refuse in one envelope."""
        what = self.rng.randrange(6)
        if what == 0:
            head["event_id"] = eid
            return [self.event(eid), *self.replay(eid)]
        if what == 1:
            return [self.session() for _ in range(self.rng.randrange(101, 130))]
        if what == 2:
            return [self.check_in(), self.check_in(), self.check_in()]
        if what == 3:
            return [self.log(), self.session(), self.log(), self.metric(), self.metric()]
        if what == 4:
            return [self.span() for _ in range(60)]
        return [self.profile_chunk(), self.profile_chunk()]

    def bytes(self, head, items):
        out = [wire.compact(head), b"\n"]
        for item, payload in items:
            item = dict(item)
            if item.get("length", 0) is None:
                del item["length"]  # implied by the next LF
            else:
                item["length"] = len(payload)
            out += [b"\n" * (self.rng.random() < 0.03), wire.compact(item), b"\n", payload, b"\n"]
        return b"".join(out)


def arrived(requests):
    """What Sentry has: (payloads, entries, sums of aggregates)."""
    payloads, entries, sums = (collections.Counter() for _ in range(3))
    for request in requests:
        for item in request.envelope.items:
            kind = item.type
            if kind in ("log", "trace_metric", "metric_buckets") or (
                    kind == "span" and "item_count" in item.headers):
                entries.update((kind, text) for text in entry_texts(item.payload))
            elif kind == "statsd":
                entries.update((kind, line) for line in item.payload.split(b"\n") if line)
            elif item.type == "sessions":
                body = item.json()
                for row in body["aggregates"]:
                    for name, n in row.items():
                        if isinstance(n, int):
                            sums[body["attrs"]["release"], row["started"], name] += n
            elif item.type != "client_report":
                payloads[item.type, item.payload] += 1
    return payloads, entries, sums


def entry_texts(payload):
    """The very bytes of each entry of a container."""
    text = payload.decode("utf-8")
    at = 0 if text.startswith("[") else text.index('"items":') + len('"items":')
    at = text.index("[", at) + 1
    decoder = json.JSONDecoder()
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        yield text[at:end].encode()
        at = end + (text[end] == ",")


def random_settings(rng):
    return {"spool": {"durability": rng.choice(["sync", "lazy", "async"]),
                      "order": rng.choice(["oldest", "newest"])},
            "upstream": {"compression": rng.choice(["zstd", "gzip", "none"]),
                         "connections": str(rng.choice([1, 2, 4]))},
            "batch": {"window": rng.choice(["0ms", "20ms", "100ms"]),
                      "max_items": str(rng.choice([1, 3, 1000])),
                      "max_bytes": rng.choice(["1K", "1M"])},
            "daemon": {"workers": str(rng.choice([0, 1, 3]))}}


def nonzero(counter):
    return {k: n for k, n in counter.items() if n}
