"""Random envelopes over every transport and encoding: what arrives is what was
sent, and the figures are the sums of it. The seed is in the name of the test;
PICKET_SEEDS=100 plays more of them."""

import collections
import datetime
import json
import os
import random
import threading

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer, FakeSentry
from settings import SANITIZED
from wire import KEY

PATH = "/api/42/envelope/"
SEEDS = int(os.environ.get("PICKET_SEEDS", "4"))
TRANSPORTS = ["tcp", "tcp", "chunked", "unix", "raw", "datagram"]
ENCODINGS = [None, "gzip", "deflate", "br", "zstd"]
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


def send(d, maker, conns):
    """One random envelope over one random way. Datagrams are not answered."""
    head, items, eid = maker.envelope()
    rng = maker.rng
    how = rng.choice(TRANSPORTS)
    if how in ("raw", "datagram"):
        data = maker.bytes({**head, "dsn": d.dsn()}, items)
        if how == "datagram" and len(data) < 16000:
            client.datagram(d.gram, data)
            return
        answer = client.raw_envelope(d.unix, data)
        assert answer["status"] == 200 and (eid is None or answer["id"] == eid), answer
        return
    data = maker.bytes(head, items)
    headers = [("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7")]
    encoding = rng.choice(ENCODINGS)
    if encoding:
        headers.append(("Content-Encoding", encoding))
        data = wire.encode(encoding, data)
    if how == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
        data = client.chunked(data, [rng.randrange(1, 999) for _ in range(20)])
    r = conns["unix" if how == "unix" else "tcp"].request("POST", PATH, headers, data)
    assert r.status == 200 and r.json() == ({"id": eid} if eid else {}), r


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


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("outage", [False, True], ids=["up", "outage"])
def test_what_arrives_is_what_was_sent_and_the_figures_are_its_sums(
        make_daemon, sentry, seed, outage):
    d = make_daemon(sentry, random_settings(random.Random(seed)), wait=None)
    d.set("listen", unixgram=str(d.gram))
    d.write_conf()
    d.start()
    if outage:
        sentry.down()
    maker = Maker(1000 * seed + outage)
    with d.conn() as tcp, d.conn("unix") as unix:
        for n in range(60 if SANITIZED else 150):
            send(d, maker, {"tcp": tcp, "unix": unix})
            if outage and n == 100:
                sentry.up()
    sentry.up()
    want = nonzero(maker.quantities)
    wait_until(lambda: d.totals()["received"] == want, 20,
               f"received {want}, not {d.totals()['received']}")
    d.wait_empty(30)
    totals = d.totals()
    assert totals["delivered"] == want and not any(totals["dropped"].values())
    payloads, entries, sums = arrived(sentry.accepted())
    assert payloads == maker.payloads
    assert entries == maker.entries
    assert nonzero(sums) == nonzero(maker.sums)
    assert nonzero(sentry.discarded()) == nonzero(maker.reports)


class Project(threading.Thread):
    """A client of one project: its envelopes, sent on a connection of its own."""

    def __init__(self, d, key, number, upstream, seed):
        super().__init__(daemon=True)
        self.d, self.key, self.number, self.upstream = d, key, number, upstream
        self.maker = Maker(seed)
        self.failed = None

    def run(self):
        try:
            with self.d.conn(self.maker.rng.choice(["tcp", "unix"])) as c:
                for _ in range(20 if SANITIZED else 60):
                    head, items, _ = self.maker.envelope()
                    if "trace" in head:
                        head["trace"]["public_key"] = self.key
                    r = c.envelope(self.maker.bytes(head, items), key=self.key,
                                   project=self.number, encoding=self.maker.rng.choice(ENCODINGS))
                    assert r.status == 200, r
        except Exception as e:  # told by the test's own thread
            self.failed = e


@pytest.mark.parametrize("seed", range(SEEDS))
def test_everything_arrives_at_its_own_project(make_daemon, make_sentry, seed):
    """Projects of one host and of several, at the same time."""
    one, two = make_sentry(), make_sentry()
    routes = {"web": (one, "1" * 32, "1"), "app": (one, "2" * 32, "2"), "job": (two, "3" * 32, "3"),
              "any": (two, "4" * 32, "3")}
    conf = random_settings(random.Random(700 + seed))
    for name, (s, key, number) in routes.items():
        conf[f"project {name}"] = {"key": name, "dsn": s.dsn_for(key, number)}
    d = make_daemon(None, conf)
    clients = [Project(d, name, str(n + 1), *routes[name][:1], 100 * seed + n)
               for n, name in enumerate(routes)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
        assert c.failed is None, c.failed
    d.wait_empty(30)
    want = collections.Counter()
    for c in clients:
        want.update(c.maker.quantities)
        s, key, number = routes[c.key]
        mine = [r for r in s.accepted() if r.key == key and r.project == number]
        payloads, entries, sums = arrived(mine)
        assert payloads == c.maker.payloads, c.key
        assert entries == c.maker.entries and nonzero(sums) == nonzero(c.maker.sums), c.key
        assert not any(r.envelope.headers.get("trace", {}).get("public_key") == c.key
                       for r in mine), "the client's key is not the upstream's"
    assert d.totals()["delivered"] == nonzero(want)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_dies_in_between_each_arrives_at_least_once(make_daemon, sentry, seed):
    """kill -9 while requests are under way: their contents may come again."""
    d = make_daemon(sentry, {"retry": {"min": "10ms", "max": "40ms"}})
    maker = Maker(5000 + seed)
    for _ in range(3):
        with d.conn() as c:
            for _ in range(10 if SANITIZED else 25):
                head, items, _ = maker.envelope()
                r = c.request("POST", PATH, [("X-Sentry-Auth", f"Sentry sentry_key={KEY}")],
                              maker.bytes(head, items))
                assert r.status == 200, r
        d.kill9()
        d.start()
    d.wait_empty(60)
    # Per category, since what is received is stored once whatever is sent twice.
    assert d.totals()["received"] == nonzero(maker.quantities)
    assert d.totals()["delivered"] == nonzero(maker.quantities)
    payloads, entries, sums = arrived(sentry.accepted())
    assert payloads >= maker.payloads and entries >= maker.entries
    assert set(payloads) == set(maker.payloads) and set(entries) == set(maker.entries)
    assert all(sums[k] >= n for k, n in maker.sums.items())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_is_evicted_is_counted_and_the_rest_arrives(make_daemon, sentry, seed):
    conf = random_settings(random.Random(900 + seed))
    conf["spool"].update(max_size="1M", durability="lazy")
    d = make_daemon(sentry, conf)
    maker = Maker(900 + seed)
    sentry.down()
    refused = 0
    with d.conn() as c:
        for _ in range(250):
            before = maker.counters()
            head, items, eid = maker.envelope()
            if eid and items[0][0]["type"] != "replay_event":
                blob = maker.rng.randbytes(15000)
                items.append(maker.plain("attachment", blob))
                maker.count(attachment=len(blob), attachment_item=1)
            r = c.envelope(maker.bytes(head, items))
            if r.status == 503:  # less important than all that is stored
                maker.set_counters(before)
                refused += 1
            else:
                assert r.status == 200, r
            d.check_conservation()
    assert refused < 100
    lost = {k: n for k, n in d.totals()["dropped"].get("cache_overflow", {}).items() if n}
    assert lost, "more than a megabyte was sent"
    sentry.up()
    d.wait_empty(30)
    assert d.totals()["received"] == nonzero(maker.quantities)
    assert {k: n for k, n in d.totals()["dropped"].get("cache_overflow", {}).items() if n} == lost
    payloads, entries, _ = arrived(sentry.accepted())
    assert payloads <= maker.payloads and entries <= maker.entries
    for kind, category in (("transaction", "transaction"), ("check_in", "monitor"),
                           ("attachment", "attachment_item")):
        assert d.delivered(category) == sum(n for (k, _), n in payloads.items() if k == kind)
    sentry.wait_for(lambda: all(sentry.discarded()["cache_overflow", k] == n
                                for k, n in lost.items()), 20, "the report of what was lost")


class Moody(FakeSentry):
    """Answers as the dice fall, until it is told to be calm."""

    def __init__(self, seed, **kw):
        self.rng = random.Random(seed)
        self.calm = False
        super().__init__(**kw)

    def _decide(self, req, early=False):
        if early or self.calm or req.method != "POST":
            return super()._decide(req, early)
        with self.cond:
            dice = self.rng.random()
            for chance, answer in MOODS:
                dice -= chance
                if dice < 0:
                    return answer
        return Answer()


MOODS = [(0.06, Answer(503)), (0.04, Answer(502)), (0.05, Answer(how="reset")),
         (0.05, Answer(how="close")), (0.03, Answer(how="truncated")), (0.04, Answer(500)),
         (0.05, Answer(400)), (0.05, Answer(413)), (0.03, Answer(408)),
         (0.04, Answer(429, headers=(("X-Sentry-Rate-Limits", "1:session;attachment:key"),))),
         (0.04, Answer(200, headers=(("X-Sentry-Rate-Limits", "1:error;log_item:key"),)))]


@pytest.mark.parametrize("seed", range(SEEDS + 2))
def test_whatever_upstream_answers_nothing_is_lost_twice_or_in_silence(
        make_daemon, request, seed):
    s = Moody(seed)
    request.node.sentries = [s]
    conf = random_settings(random.Random(300 + seed))
    conf["retry"] = {"min": "10ms", "max": "40ms"}
    if seed % 2 == 1:  # metrics would be given their rate, and differ from what was sent
        conf["sampling"] = {kind: "0.6" for kind in ("errors", "transactions", "profiles", "spans",
                                                     "profile_sessions", "replays", "logs")}
        conf["sampling"]["mode"] = ["absolute", "relative"][seed // 2 % 2]
    d = make_daemon(s, conf)
    maker = Maker(77 + seed)
    with d.conn() as c:
        for _ in range(60 if SANITIZED else 200):
            head, items, _ = maker.envelope()
            r = c.request("POST", PATH, [("X-Sentry-Auth", f"Sentry sentry_key={KEY}")],
                          maker.bytes(head, items))
            assert r.status in (200, 429), r
            d.check_conservation()
    s.calm = True
    d.wait_empty(60)
    want = nonzero(maker.quantities)
    wait_until(lambda: d.totals()["received"] == want, 20,
               f"received {want}, not {d.totals()['received']}")
    d.check_conservation()
    payloads, entries, _ = arrived(s.accepted())
    assert payloads <= maker.payloads, "something came twice, or was never sent"
    assert entries <= maker.entries
    kinds = collections.Counter()
    for (kind, _payload), n in payloads.items():
        kinds[kind] += n
    # An event, or the dump that makes one.
    assert d.delivered("error") == sum(
        any(i.type == "event" or i.headers.get("attachment_type") for i in e.items)
        for e in s.envelopes())
    for kind, category in (("transaction", "transaction"), ("check_in", "monitor"),
                           ("attachment", "attachment_item")):
        assert d.delivered(category) == kinds[kind], kind
    s.close()
    assert not s.violations, s.violations[:5]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_anything_may_happen_in_any_order(make_daemon, request, seed):
    """Outages, moods, full spools, reloads, holds and kills: the figures add up at
    every moment, nothing is invented, and in the end nothing is left."""
    rng = random.Random(40 + seed)
    s = Moody(seed)
    request.node.sentries = [s]
    conf = random_settings(rng)
    conf["spool"].update(max_size=rng.choice(["1M", "64M"]),
                         when_full=rng.choice(["evict", "refuse"]),
                         when_limited=rng.choice(["drop", "hold"]))
    conf["retry"] = {"min": "10ms", "max": "40ms"}
    conf["reports"] = {"interval": "100ms"}
    d = make_daemon(s, conf)
    maker = Maker(4000 + seed)
    told_off = []

    def send():
        for _ in range(rng.randrange(1, 20)):
            before = maker.counters()
            head, items, eid = maker.envelope()
            if eid and rng.random() < 0.3 and len(items) < 3:
                blob = rng.randbytes(20000)
                items.append(maker.plain("attachment", blob))
                maker.count(attachment=len(blob), attachment_item=1)
            r = d.send(maker.bytes(head, items), over=rng.choice(["tcp", "unix"]))
            if r.status == 503:
                maker.set_counters(before)
            else:
                assert r.status in (200, 429), r
                told_off.extend([r] * (r.status == 429))

    def reload():
        more = random_settings(rng)
        d.set("batch", **more["batch"])
        d.set("upstream", **more["upstream"])
        d.set("spool", max_size=rng.choice(["1M", "2M", "64M"]))
        d.write_conf()
        assert d.cli("reload").returncode == 0

    def kill():
        # What was answered 429 is counted with the next commit, not before the answer.
        if told_off:
            wait_until(all_counted, what="the count of what was refused")
            told_off.clear()
        d.kill9()
        d.start()

    def all_counted():
        return d.totals()["received"] == nonzero(maker.quantities)

    steps = [send] * 6 + [s.down, s.up, s.up, reload, kill, d.restart,
                          lambda: d.cli("hold"), lambda: d.cli("release"),
                          lambda: d.cli("release")]
    for _ in range(15 if SANITIZED else 40):
        rng.choice(steps)()
        d.check_conservation()
    s.calm = True
    s.up()
    assert d.cli("release").returncode == 0
    d.wait_empty(60)
    wait_until(all_counted, 20,
               f"received {nonzero(maker.quantities)}, not {d.totals()['received']}")
    d.check_conservation()
    payloads, entries, _ = arrived(s.accepted())
    assert set(payloads) <= set(maker.payloads) and set(entries) <= set(maker.entries)
    s.close()
    assert not s.violations, s.violations[:5]
