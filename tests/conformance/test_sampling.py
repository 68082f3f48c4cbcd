"""P-032 and P-125 to P-135: what is sampled out, and how the rest says so."""

import json
import random
import subprocess

import pytest

import client
import wire
from daemon import wait_until
from helpers import AUTH, PATH, QUICK, post_ok
from judging import dsc, ids_of, kept, last_56_bits, sampler, transaction
from settings import PICKETD
from wire import KEY, UPSTREAM_KEY

RELATIVE = {"mode": "relative"}


def test_P032_what_sampling_drops_is_200_with_its_id(make_daemon, sentry):
    d = sampler(make_daemon, sentry, errors="0", transactions="0")
    for body in (wire.event, wire.transaction):
        eid = wire.new_id()
        assert post_ok(d, body(eid)).json() == {"id": eid}
    # Counted with the next commit, both sides of the law at once.
    wait_until(lambda: d.dropped("sample_rate", "error") == 1, what="the count")
    wait_until(lambda: d.dropped("sample_rate", "transaction") == 1, what="the count")
    d.wait_empty()
    assert sentry.event_ids() == []


@pytest.mark.parametrize("mode,rate", [("relative", "0.1"), ("absolute", "0.2")])
def test_P125_the_traces_own_number_decides(make_daemon, sentry, mode, rate):
    d = sampler(make_daemon, sentry, transactions="0.2", mode=mode)
    low = transaction(header=dsc(sample_rate="0.5", sample_rand="0.070000"))
    high = transaction(header=dsc(sample_rate="0.5", sample_rand="0.300000"))
    got = kept(d, sentry, [low, high])
    assert set(got) == {ids_of(low)}
    assert got[ids_of(low)].headers["trace"]["sample_rate"] == rate
    assert d.dropped("sample_rate", "transaction") == 1


def test_P126_without_a_number_the_trace_id_decides_alike(make_daemon, make_sentry):
    rng = random.Random(126)
    traces = [f"{rng.getrandbits(128):032x}" for _ in range(60)]
    survivors = []
    for _ in range(2):
        s = make_sentry()
        d = sampler(make_daemon, s, transactions="0.3")
        bodies = {t: transaction(header={"trace_id": t, "public_key": KEY}) for t in traces}
        got = kept(d, s, list(bodies.values()))
        survivors.append({t for t in traces if ids_of(bodies[t]) in got})
    assert survivors[0] == survivors[1]
    assert survivors[0] == {t for t in traces if last_56_bits(t) < 0.3}


def test_P127_two_hops_keep_the_product(make_daemon, sentry):
    second = sampler(make_daemon, sentry, transactions="0.4", **RELATIVE)
    first = make_daemon(None, {
        **QUICK, "sampling": {"transactions": "0.5", **RELATIVE},
        "upstream": {"dsn": f"http://{UPSTREAM_KEY}@127.0.0.1:{second.http[1]}/7"}})
    bodies = {n: transaction(header=dsc(sample_rate="1.0", sample_rand=f"0.{n:02d}5000"))
              for n in range(0, 100, 3)}
    for body in bodies.values():
        post_ok(first, body)
    first.wait_empty()
    second.wait_empty()
    got = {e.event_id: e for e in sentry.envelopes() if e.event_id}
    assert set(got) == {ids_of(b) for n, b in bodies.items() if (n + 0.5) / 100 < 0.2}
    for env in got.values():
        assert abs(float(env.headers["trace"]["sample_rate"]) / 0.2 - 1) <= 1e-12


@pytest.mark.parametrize("sampling", [{}, {"transactions": "1.0", "mode": "relative"}])
def test_P128_a_rate_of_1_leaves_the_header_alone(make_daemon, sentry, sampling):
    d = sampler(make_daemon, sentry, **sampling)
    eid, trace = wire.new_id(), wire.new_id()
    raw = (b'{"sample_rate":"0.50","public_key":"%s","x":{"y":[1.50]},"trace_id":"%s",'
           b'"sampled":"true","sample_rand":"0.123"}' % (b"f" * 32, trace.encode()))
    body = transaction(trace, eid=eid).split(b"\n", 1)
    post_ok(d, b'{"event_id":"%s","trace":%s}\n' % (eid.encode(), raw) + body[1])
    assert raw in sentry.wait_event(eid).envelope.header_line


def test_P129_the_rate_is_written_as_a_string(make_daemon, sentry):
    d = sampler(make_daemon, sentry, transactions="0.2", **RELATIVE)
    body = transaction(header=dsc(sample_rate=0.5, sample_rand="0.010000"))
    got = kept(d, sentry, [body])
    assert got[ids_of(body)].headers["trace"]["sample_rate"] == "0.1"


def test_P130_the_other_fields_stay(make_daemon, sentry):
    d = sampler(make_daemon, sentry, transactions="0.5")
    header = dsc(sample_rate="1.0", sample_rand="0.010000", release="r", environment="e",
                 transaction="t", org_id="1", later={"n": [1, None]}, public_key="f" * 32)
    body = transaction(header=header)
    got = kept(d, sentry, [body])[ids_of(body)].headers["trace"]
    assert got.pop("sample_rate") == "0.5"
    header.pop("sample_rate")
    assert got == header


def test_P131_no_trace_header_is_made_up(make_daemon, sentry):
    """Decided by the trace id; upstream is not told half a story."""
    rng = random.Random(131)
    traces = [f"{rng.getrandbits(128):032x}" for _ in range(30)]
    d = sampler(make_daemon, sentry, transactions="0.5")
    bodies = {t: transaction(t) for t in traces}
    got = kept(d, sentry, list(bodies.values()))
    assert set(got) == {ids_of(bodies[t]) for t in traces if last_56_bits(t) < 0.5}
    assert all("trace" not in e.headers for e in got.values())


@pytest.mark.parametrize("old", [None, 0.5])
def test_P132_a_sampled_metric_carries_its_rate(make_daemon, sentry, old):
    d = sampler(make_daemon, sentry, metrics="0.5", **RELATIVE)
    rng = random.Random(132)
    attributes = {"a": {"value": "b", "type": "string"}}
    if old:
        attributes["sentry.client_sample_rate"] = {"value": old, "type": "double"}
    for _ in range(40):
        entry = {"timestamp": 1767225600.5, "trace_id": f"{rng.getrandbits(128):032x}",
                 "name": "m", "type": "distribution", "value": 1.5, "attributes": attributes}
        post_ok(d, wire.build({}, [({"type": "trace_metric", "item_count": 1,
                                     "content_type": wire.METRIC_TYPE},
                                    wire.compact({"items": [entry]}))]))
    d.wait_empty()
    entries = [e for i in sentry.items("trace_metric") for e in i.json()["items"]]
    assert 0 < len(entries) < 40
    assert len(entries) + d.dropped("sample_rate", "trace_metric") == 40
    for e in entries:
        assert e["attributes"].pop("sentry.client_sample_rate") == {
            "value": (old or 1) * 0.5, "type": "double"}
        assert e["attributes"] == {"a": {"value": "b", "type": "string"}}


ZERO = {k: "0" for k in ("errors", "transactions", "profiles", "profile_sessions", "replays",
                         "logs", "metrics", "spans")}


def never_sampled(d, sentry):
    mark = wire.new_id()
    for body in (wire.session(mark), wire.check_in(mark),
                 wire.build({"event_id": mark}, [({"type": "feedback"}, wire.event_payload(mark))]),
                 wire.client_report()):
        post_ok(d, body)
    d.wait_empty()
    kinds = {t for e in sentry.envelopes() for t in e.types()}
    assert kinds == {"session", "check_in", "feedback", "client_report"}
    assert sentry.discarded() == {("before_send", "error"): 1}


def test_P133_what_is_never_sampled(make_daemon, sentry):
    never_sampled(make_daemon(sentry, {**QUICK, "sampling": ZERO}), sentry)


def test_P133_a_rate_for_everything_is_not_for_them(make_daemon, sentry):
    kinds = "event, transaction, profile, replay, log, metric, span"
    never_sampled(make_daemon(sentry, {**QUICK, "sample all": {"on": kinds, "rate": "0"}}), sentry)


@pytest.mark.parametrize("kind", ["session", "check_in", "feedback", "client_report", "any"])
def test_P133_no_rate_can_be_set_for_them(tmp_path, kind):
    conf = tmp_path / "p.conf"
    conf.write_text(f"[upstream]\ndsn = https://{KEY}@h/1\n[sample x]\non = {kind}\nrate = 0.5\n")
    done = subprocess.run([PICKETD, "--check", "-c", str(conf)], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 78 and kind in done.stderr, done


def test_P134_what_belongs_together_shares_its_fate(make_daemon, sentry):
    d = sampler(make_daemon, sentry, transactions="0.5")
    rng = random.Random(134)
    rest = [({"type": "profile"}, b'{"platform":"python"}'),
            ({"type": "attachment", "filename": "a"}, b"abc")]
    bodies = [transaction(f"{rng.getrandbits(128):032x}", rest=rest) for _ in range(20)]
    got = kept(d, sentry, bodies)
    assert 0 < len(got) < 20
    assert all(e.types()[-3:] == ["transaction", "profile", "attachment"] for e in got.values())
    assert len(sentry.items("profile")) == len(sentry.items("attachment")) == len(got)
    assert d.dropped("sample_rate", "profile") == 20 - len(got)
    assert d.dropped("sample_rate", "attachment_item") == 20 - len(got)


def test_P134_segments_of_a_replay_agree(make_daemon, sentry):
    d = sampler(make_daemon, sentry, replays="0.5")
    rng = random.Random(1340)
    replays = [f"{rng.getrandbits(128):032x}" for _ in range(16)]
    for segment in range(3):
        for rid in replays:
            post_ok(d, wire.build({"event_id": rid}, [
                ({"type": "replay_event"},
                 wire.compact({"replay_id": rid, "event_id": rid, "segment_id": segment})),
                ({"type": "replay_recording"}, b'{"segment_id":%d}\n[]' % segment)]))
    d.wait_empty()
    seen = {}
    for e in sentry.envelopes():
        if e.of_type("replay_event"):
            assert e.of_type("replay_recording")
            seen[e.event_id] = seen.get(e.event_id, 0) + 1
    assert 0 < len(seen) < 16 and set(seen.values()) == {3}


def test_P134_chunks_of_a_profiler_agree(make_daemon, sentry):
    d = sampler(make_daemon, sentry, profile_sessions="0.5")
    rng = random.Random(1341)
    profilers = [f"{rng.getrandbits(128):032x}" for _ in range(16)]
    for _ in range(3):
        for pid in profilers:
            post_ok(d, wire.build({}, [({"type": "profile_chunk", "platform": "python"},
                                        wire.compact({"profiler_id": pid, "chunk_id": wire.new_id(),
                                                      "platform": "python"}))]))
    d.wait_empty()
    seen = {}
    for i in sentry.items("profile_chunk"):
        pid = i.json()["profiler_id"]
        seen[pid] = seen.get(pid, 0) + 1
    assert 0 < len(seen) < 16 and set(seen.values()) == {3}


def test_P135_shares_and_weights_over_100000_traces(make_daemon, sentry):
    """The SDKs kept each trace with a rate c; picket keeps h of what arrives. The
    weights 1/rate of the rest must add up to the number of traces that there were."""
    n, h = 100000, 0.02
    d = make_daemon(sentry, {**QUICK, "sampling": {"transactions": str(h), **RELATIVE},
                             "spool": {"durability": "async"}})
    rng = random.Random(135)
    true_count = variance = 0.0
    item = transaction("1" * 32).split(b"\n", 1)[1]
    with d.conn(timeout=60) as c:
        for _ in range(n // 500):
            batch = []
            for _ in range(500):
                rate = rng.choice((1.0, 0.5, 0.25))
                true_count += 1 / rate
                variance += (1 - h) / h / rate**2
                head = {"event_id": f"{rng.getrandbits(128):032x}",
                        "trace": dsc(f"{rng.getrandbits(128):032x}", sample_rate=str(rate),
                                     sample_rand=f"{int(rng.random() * rate * 1e6) / 1e6:.6f}")}
                batch.append(client.request_bytes("POST", PATH, [AUTH],
                                                  wire.compact(head) + b"\n" + item))
            c.send(b"".join(batch))
            for _ in batch:
                assert c.read().status == 200
    d.wait_empty(60)
    rates = [float(e.headers["trace"]["sample_rate"]) for e in sentry.envelopes()
             if e.of_type("transaction")]
    assert d.received("transaction") == n == len(rates) + d.dropped("sample_rate", "transaction")
    assert abs(len(rates) - n * h) <= 3 * (n * h * (1 - h)) ** 0.5
    assert abs(sum(1 / r for r in rates) - true_count) <= 3 * variance ** 0.5
