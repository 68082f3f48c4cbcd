"""Random envelopes over every transport and encoding: what arrives is what was
sent, and the figures are the sums of it. The seed is in the name of the test;
PICKET_SEEDS=100 plays more of them."""

import collections
import os
import random
import threading

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer, FakeSentry
from maker import Maker, arrived, nonzero, random_settings
from settings import SANITIZED
from wire import KEY

PATH = "/api/42/envelope/"
SEEDS = int(os.environ.get("PICKET_SEEDS", "4"))
TRANSPORTS = ["tcp", "tcp", "chunked", "unix", "raw", "datagram"]
ENCODINGS = [None, "gzip", "deflate", "br", "zstd"]


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


# Rules that take away and edit nothing.
DROPPING = {
    "rule logs": {"on": "log", "when": 'mark startswith ("0", "1", "2", "3")', "then": "drop"},
    "rule files": {"on": "attachment", "when": 'filename startswith ("a", "b")', "then": "drop"},
    "rule events": {"on": "event", "when": 'mark startswith "f"', "then": "drop"},
    "rule some": {"on": "feedback", "then": "sample 0.5"}}


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
    if seed % 2 == 1:
        conf.update(DROPPING)
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
        # What is not stored is counted with the next commit, not before the answer.
        if told_off or seed % 2 == 1:
            wait_until(all_counted, what="the count of what was refused")
            told_off.clear()
        d.kill9()
        d.start()

    def all_counted():
        got, want = d.totals()["received"], nonzero(maker.quantities)
        if seed % 2 == 1:  # a comma beside what is taken out is nobody's byte
            got.pop("log_byte", None)
            want.pop("log_byte", None)
        return got == want

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


CARRIED = [("POST", "security/", "application/csp-report"), ("POST", "nel/", "application/json"),
           ("POST", "integration/otlp/v1/traces", "application/x-protobuf"),
           ("POST", "integration/otlp/v1/logs", "application/json"),
           ("POST", "integration/vercel/logs", "application/json"),
           ("PUT", "from/2040", "a/b"), ("PATCH", "from/2040/x%20y", None),
           ("DELETE", "from/2040", None), ("POST", "from/2040/", "text/plain; charset=utf-8")]


def protobuf(data):
    """A trace request of one span with this name."""
    for tag in (b"\x2a", b"\x12", b"\x12", b"\x0a"):
        data = tag + bytes([len(data)]) + data
    return data


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_is_carried_arrives_as_it_came(make_daemon, sentry, seed):
    """Requests that are no envelopes: method, path, query, type and every byte, over
    outages and kills."""
    rng = random.Random(60 + seed)
    d = make_daemon(sentry, random_settings(rng))
    maker = Maker(60 + seed)
    want = collections.Counter()
    for n in range(40):
        if n % 13 == 7:
            sentry.down()
        if n % 13 == 10:
            d.kill9()
            d.start()
        if n % 13 == 12:
            sentry.up()
        method, path, kind = rng.choice(CARRIED)
        mark = maker.hex(8)
        body = maker.object(mark=mark)
        if kind == "application/x-protobuf":
            body = protobuf(mark.encode())
        elif path.startswith("from/"):
            body += rng.randbytes(rng.randrange(30))
        query = rng.choice(["", "sentry_release=r%201", "sentry_environment=e&sentry_release=r"])
        if path.startswith(("nel", "integration")):
            query = ""  # means nothing there
        headers = [("X-Sentry-Auth", f"Sentry sentry_key={KEY}")]
        if kind:
            headers.append(("Content-Type", kind))
        encoding = rng.choice(ENCODINGS)
        data = wire.encode(encoding, body)
        if encoding:
            headers.append(("Content-Encoding", encoding))
        r = client.once(d.http, method, f"/api/42/{path}" + (f"?{query}" if query else ""), headers,
                        data)
        assert 200 <= r.status < 300, (method, path, kind, r)
        want[method, path, kind, query, body] += 1
    sentry.up()
    d.wait_empty(30)
    got = collections.Counter((r.method, r.rest, r.header("content-type"), r.query, r.body)
                              for r in sentry.accepted() if r.rest is not None)
    assert set(got) == set(want), "the same, and nothing else"
    assert got >= want
