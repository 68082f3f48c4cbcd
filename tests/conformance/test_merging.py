"""P-075 to P-086: what is merged, and what never shares an envelope."""

import datetime
import itertools
import time
import uuid

import pytest

import wire
from helpers import AUTH, QUICK, post_ok
from wire import KEY, KIB, OTHER_KEY

VNOW = "2026-01-01T00:00:00Z"


def item(kind, payload, **head):
    return ({"type": kind, **head}, payload)


def log(bodies, trace=None, header=None, **meta):
    entries = [{"timestamp": 1767225600.5, "trace_id": trace or "a" * 32, "level": "info",
                "body": b} for b in bodies]
    return wire.build(header or {}, [item("log", wire.compact({**meta, "items": entries}),
                                          item_count=len(entries), content_type=wire.LOG_TYPE)])


def spans(trace, n, header=None, first=0):
    entries = [{"trace_id": trace, "span_id": f"{first + k:016x}", "name": "x"} for k in range(n)]
    return wire.build(header if header is not None else {"trace": dsc(trace)},
                      [item("span", wire.compact({"items": entries}), item_count=n,
                            content_type=wire.SPAN_TYPE)])


def dsc(trace, **more):
    return {"trace_id": trace, "public_key": KEY, "sample_rate": "1.0", **more}


def aggregates(rows, attrs):
    return wire.build({}, [item("sessions", wire.compact({"aggregates": rows, "attrs": attrs}))])


def report(entries, stamp):
    return wire.build({}, [item("client_report", wire.compact(
        {"timestamp": stamp, "discarded_events": entries}))])


class Batch:
    """What is sent between hold and release waits together, and leaves together."""

    def __init__(self, d, sentry):
        self.d, self.sentry = d, sentry

    def __call__(self, *bodies):
        """bodies: envelopes, or (envelope, headers). The envelopes that arrive."""
        before = len(self.sentry.accepted())
        assert self.d.cli("hold").returncode == 0
        for body in bodies:
            body, headers = body if isinstance(body, tuple) else (body, [AUTH])
            post_ok(self.d, body, headers)
        assert self.d.cli("release").returncode == 0
        self.d.wait_empty()
        return [r.envelope for r in self.sentry.accepted()[before:]]


@pytest.fixture
def batch(make_daemon, sentry):
    return Batch(make_daemon(sentry, QUICK), sentry)


def entries_of(envelopes, kind="log"):
    return [[e for i in env.of_type(kind) for e in i.json()["items"]] for env in envelopes]


def bodies_of(envelopes):
    return [[e["body"] for e in entries] for entries in entries_of(envelopes)]


# --- logs -------------------------------------------------------------------


def test_P075_logs_merge_in_order(batch):
    got = batch(log(["a", "b"]), log(["c"]), log(["d", "e", "f"]))
    assert bodies_of(got) == [["a", "b", "c", "d", "e", "f"]]
    assert got[0].items[0].headers["item_count"] == 6


def test_P075_metrics_merge_in_order(batch):
    got = batch(wire.metrics(["a"]), wire.metrics(["b", "c"]))
    assert [[e["name"] for e in entries] for entries in entries_of(got, "trace_metric")] == [
        ["a", "b", "c"]]


def test_P075_another_key_keeps_apart(make_daemon, make_sentry, sentry):
    other = make_sentry(key=OTHER_KEY, project="9")
    d = make_daemon(sentry, {**QUICK, "project web": {"key": "web", "dsn": other.dsn}})
    got = Batch(d, sentry)(log(["a"]), (log(["b"]), [("X-Sentry-Auth", "Sentry sentry_key=web")]),
                           log(["c"]))
    assert bodies_of(got) == [["a", "c"]]
    assert bodies_of(other.envelopes()) == [["b"]]


def test_P076_logs_of_different_traces_have_no_trace_header(batch):
    a, b = wire.new_id(), wire.new_id()
    got = batch(log(["1"], a), log(["2"], b))
    assert bodies_of(got) == [["1", "2"]] and "trace" not in got[0].headers
    got = batch(log(["3"], a, {"trace": dsc(a)}), log(["4"], b, {"trace": dsc(b)}))
    assert sorted(b for bodies in bodies_of(got) for b in bodies) == ["3", "4"]
    for env, entries in zip(got, entries_of(got)):
        if "trace" in env.headers:
            assert {e["trace_id"] for e in entries} == {env.headers["trace"]["trace_id"]}


def settings(ip):
    return {"version": 2, "ingest_settings": {"infer_ip": ip, "infer_user_agent": "never"}}


def test_P077_unequal_ingest_settings_keep_apart(batch):
    got = batch(log(["a"], **settings("auto")), log(["b"], **settings("never")),
                log(["c"], **settings("auto")))
    assert sorted(bodies_of(got)) == [["a", "c"], ["b"]]
    for env, bodies in zip(got, bodies_of(got)):
        payload = env.items[0].json()
        assert payload["version"] == 2
        assert payload["ingest_settings"]["infer_ip"] == ("never" if bodies == ["b"] else "auto")


def test_P077_unequal_user_agents_keep_apart_without_version(batch):
    def by(agent, body, **meta):
        return log([body], **meta), [AUTH, ("User-Agent", agent)]

    assert sorted(bodies_of(batch(by("x/1", "a"), by("y/1", "b"), by("x/1", "c")))) == [
        ["a", "c"], ["b"]]


def test_P077_other_clients_and_headers_keep_apart(batch):
    other = ("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=other/2")
    got = batch(log(["a"]), (log(["b"]), [other]), log(["c"], header={"sdk": {"name": "x"}}),
                log(["d"], header={"x_unknown": 1}), log(["e"]))
    assert sorted(bodies_of(got)) == [["a", "e"], ["b"], ["c"], ["d"]]


# --- spans ------------------------------------------------------------------


def test_P078_two_traces_never_share(batch):
    traces = [wire.new_id() for _ in range(3)]
    got = batch(*[spans(traces[k % 3], 2, first=10 * k) for k in range(9)])
    for env, entries in zip(got, entries_of(got, "span")):
        assert {e["trace_id"] for e in entries} == {env.headers["trace"]["trace_id"]}
    assert sum(len(e) for e in entries_of(got, "span")) == 18
    assert len(got) == 3, "each trace in one envelope"


def test_P079_no_container_beyond_a_thousand(batch):
    trace = wire.new_id()
    got = batch(*[spans(trace, 600, first=1000 * k) for k in range(3)])
    counts = [i.headers["item_count"] for e in got for i in e.of_type("span")]
    assert sum(counts) == 1800 and max(counts) <= 1000
    ids = [e["span_id"] for entries in entries_of(got, "span") for e in entries]
    assert len(set(ids)) == 1800


def test_P080_unequal_trace_objects_keep_apart(batch):
    trace = wire.new_id()
    got = batch(spans(trace, 1), spans(trace, 1, {"trace": dsc(trace, sample_rate="0.5")}, 5),
                spans(trace, 1, {"trace": dsc(trace, transaction="t")}, 6),
                spans(trace, 1, first=7))
    assert sorted(len(e) for e in entries_of(got, "span")) == [1, 1, 2]


# --- sessions ---------------------------------------------------------------


def rows_of(envelopes):
    """(attrs, started, did) -> the sums that arrived."""
    out = {}
    for env in envelopes:
        for i in env.of_type("sessions"):
            body = i.json()
            for row in body["aggregates"]:
                row = dict(row)
                key = (wire.compact(body["attrs"]), row.pop("started"), row.pop("did", None))
                assert key not in out, "one row for each key"
                out[key] = row
    return out


def test_P081_aggregates_add_up(batch):
    a, b = {"release": "a", "environment": "x"}, {"release": "b"}
    same = {"environment": "x", "release": "a"}  # equal in another order
    t, u = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
    got = batch(
        aggregates([{"started": t, "exited": 3, "errored": 1}, {"started": u, "exited": 1}], a),
        aggregates([{"started": t, "exited": 10, "crashed": 2}, {"started": t, "did": "d",
                                                                 "exited": 4}], same),
        aggregates([{"started": t, "exited": 100}], b),
        aggregates([{"started": t, "did": "d", "exited": 4000000000, "abnormal": 1}], a))
    assert len(got) == 1
    assert len(got[0].of_type("sessions")) == 2, "one item for each set of attributes"
    rows = {(b'"a"' in k[0], k[1], k[2]): row for k, row in rows_of(got).items()}
    assert rows == {
        (True, t, None): {"exited": 13, "errored": 1, "crashed": 2},
        (True, u, None): {"exited": 1},
        (True, t, "d"): {"exited": 4000000004, "abnormal": 1},
        (False, t, None): {"exited": 100}}


def test_P082_updates_keep_their_order_and_number(batch):
    sids = [str(uuid.uuid4()) for _ in range(3)]
    sent = []
    for n in range(12):
        sent.append(wire.compact({
            "sid": sids[n % 3], "init": n < 3, "seq": n, "started": VNOW, "status": "ok",
            "errors": n, "attrs": {"release": "a"}}))
    got = batch(*[wire.build({}, [item("session", p)]) for p in sent],
                aggregates([{"started": VNOW, "exited": 1}], {"release": "a"}))
    payloads = [i.payload for e in got for i in e.of_type("session")]
    assert sorted(payloads) == sorted(sent)
    for sid in sids:
        of_sid = [p for p in payloads if sid.encode() in p]
        assert of_sid == [p for p in sent if sid.encode() in p]
    assert list(rows_of(got).values()) == [{"exited": 1}]


# --- client reports ---------------------------------------------------------


def hour_now():
    """A time in this hour, or at its start when the hour is young."""
    return time.time() // 3600 * 3600


def test_P083_reports_of_one_dsn_and_hour_add_up(make_daemon, make_sentry, sentry):
    other = make_sentry(key=OTHER_KEY, project="9")
    d = make_daemon(sentry, {**QUICK, "project web": {"key": "web", "dsn": other.dsn}})
    t = hour_now()

    def loss(n, reason="before_send"):
        return [{"reason": reason, "category": "error", "quantity": n}]

    web = [("X-Sentry-Auth", "Sentry sentry_key=web")]
    got = Batch(d, sentry)(
        report(loss(1), t - 100), report(loss(2), t - 200), report(loss(4, "ignored"), t - 50),
        report(loss(8), t - 7300), (report(loss(16), t - 100), web))
    bodies = [i.json() for e in got for i in e.of_type("client_report")]
    sums = {(int(b["timestamp"] // 3600 - t // 3600), e["reason"]): e["quantity"]
            for b in bodies for e in b["discarded_events"]}
    assert sums == {(-1, "before_send"): 3, (-1, "ignored"): 4, (-3, "before_send"): 8}
    stamps = {int(b["timestamp"] // 3600 - t // 3600): b["timestamp"] for b in bodies}
    assert stamps[-1] == t - 200, "the earliest"
    other.wait_for(lambda: other.discarded()["before_send", "error"] == 16)
    assert sum(other.discarded().values()) == 16


def test_P085_a_merged_report_is_4_kib_at_most(batch):
    t = hour_now() - 100
    categories = ["error", "transaction", "session", "monitor", "replay", "log_item", "span",
                  "attachment", "profile", "feedback", "statsd", "security"]
    sent = [{"reason": r, "category": c, "quantity": 1 + n}
            for n, (r, c) in enumerate(itertools.product(sorted(wire.REASONS), categories))]
    got = batch(*[report(sent[k:k + 14] + [sent[0]], t) for k in range(0, len(sent), 14)])
    items = [i for e in got for i in e.of_type("client_report")]
    assert len(items) > 1 and all(len(i.payload) <= 4 * KIB for i in items)
    sums = {}
    for i in items:
        for e in i.json()["discarded_events"]:
            key = e["reason"], e["category"]
            sums[key] = sums.get(key, 0) + e["quantity"]
    want = {(e["reason"], e["category"]): e["quantity"] for e in sent}
    want[sent[0]["reason"], sent[0]["category"]] += 12
    assert sums == want


# --- alone ------------------------------------------------------------------


def test_P084_events_and_check_ins_travel_alone(batch):
    got = batch(wire.event(), wire.check_in("a"), wire.event(), wire.check_in("b"),
                wire.transaction())
    kinds = sorted([t for t in e.types() if t != "client_report"] for e in got)
    assert kinds == [["check_in"], ["check_in"], ["event"], ["event"], ["transaction"]]


def test_P086_clocks_a_minute_apart_keep_apart(batch):
    now = datetime.datetime.now(datetime.timezone.utc)

    def at(seconds):
        t = now + datetime.timedelta(seconds=seconds)
        return {"sent_at": t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}

    got = batch(log(["a"], header=at(0)), log(["b"], header=at(-3600)), log(["c"], header=at(-20)),
                log(["d"], header=at(-3610)))
    assert sorted(bodies_of(got)) == [["a", "c"], ["b", "d"]]
