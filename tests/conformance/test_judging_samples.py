"""T1 to T16: the order of judging, and which errors and traces are kept."""

import json
import random

import pytest

import client
import wire
from daemon import wait_until
from helpers import AUTH, PATH, QUICK, post_ok
from judging import (dropped_by, dsc, event, exception, ids_of, kept, passed, sampler,
                     transaction)
from wire import UPSTREAM_KEY

# trace id -> its number: the last 56 bits, six decimals (sdk-semantics 3.3).
NUMBERS = {"771a43a4192642f0b136d5159a501700": "0.214188",
           "12312012123120121231201212312012": "0.191895",
           "566e3688a61d4bc888951642d6f14a19": "0.582370",
           "00000000000000000000000000000000": "0.000000",
           "ffffffffffffffffffffffffffffffff": "0.999999"}


def test_T001_the_filters_reason_wins_over_samplings(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "sampling": {"errors": "0"}, "ignore": {"errors": "Noise"}})
    body, other = event(exception=exception(("Noise", "x"))), event()
    assert kept(d, sentry, [body, other]) == {}
    assert dropped_by(d, ids_of(body)) == ("event_processor", "ignore errors")
    assert dropped_by(d, ids_of(other)) == ("sample_rate", "sampling errors")
    assert d.dropped("event_processor", "error") == d.dropped("sample_rate", "error") == 1


def test_T002_what_a_rule_adds_is_scrubbed(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "scrub": {"defaults": None, "deep": None}, "rule a": {
        "then": 'tag password = "p4ss"; set extra.password = "p4ss"; set extra.note = "kept"'}})
    got = passed(d, sentry, event())
    assert got["extra"] == {"password": "[Filtered]", "note": "kept"}
    assert dict(got["tags"])["password"] == "[Filtered]"


def test_T003_a_bad_reload_leaves_the_old_rules_and_serves_on(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "rule a": {"when": 'level = "debug"', "then": "drop"}})
    d.set("rule a", when='level = "debug" adn', then="drop")
    told = d.reload()
    assert told["ev"] == "reload_failed"
    assert "picket.conf:" in told["why"] and "rule a.when" in told["why"]
    debug, error = event(level="debug"), event()
    assert set(kept(d, sentry, [debug, error])) == {ids_of(error)}
    assert dropped_by(d, ids_of(debug)) == ("before_send", "rule a")


def test_T003_a_rule_that_cannot_be_evaluated_is_false_and_counted(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "rule a": {"when": "extra.n > 3", "then": "drop"}})
    odd, missing, yes = event(extra={"n": [1]}), event(), event(extra={"n": 4})
    assert set(kept(d, sentry, [odd, missing, yes])) == {ids_of(odd), ids_of(missing)}
    errors = {k: v for k, v in d.metrics().items() if "rule" in k and "error" in k}
    assert sum(errors.values()) >= 1, d.metrics()


def test_T004_the_session_of_a_sampled_out_event_is_forwarded(make_daemon, sentry):
    d = sampler(make_daemon, sentry, errors="0")
    sid = wire.new_id()
    body = event(rest=[({"type": "session"}, json.dumps(
        {"sid": sid, "init": True, "attrs": {"release": "a"}}).encode())])
    post_ok(d, body)
    sentry.wait_for(lambda: any(i.json()["sid"] == sid and i.json()["init"]
                                for i in sentry.items("session")))
    assert sentry.items("event") == []


def test_T005_one_id_has_one_fate(make_daemon, sentry):
    d = sampler(make_daemon, sentry, errors="0.5")
    for eid in (wire.new_id() for _ in range(8)):
        for _ in range(20):
            post_ok(d, event(eid))
        d.wait_empty()
        assert sentry.event_ids().count(eid) in (0, 20)


def test_T005_the_share_of_10000_ids_is_right(make_daemon, sentry):
    rng = random.Random(5)
    d = sampler(make_daemon, sentry, {"spool": {"durability": "async"}}, errors="0.3")
    with d.conn(timeout=60) as c:
        for _ in range(20):
            c.send(b"".join(client.request_bytes("POST", PATH, [AUTH],
                                                 wire.event(f"{rng.getrandbits(128):032x}"))
                            for _ in range(500)))
            for _ in range(500):
                assert c.read().status == 200
    d.wait_empty(60)
    share = len(sentry.items("event"))
    assert 2850 <= share <= 3150
    wait_until(lambda: d.dropped("sample_rate", "error") == 10000 - share, what="the count")


def test_T006_what_is_reported_is_what_was_dropped(make_daemon, sentry):
    d = sampler(make_daemon, sentry, errors="0.5")
    bodies = [event() for _ in range(40)]
    lost = len(bodies) - len(kept(d, sentry, bodies))
    assert 0 < lost < 40
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "error"] == lost)
    assert {k for k in sentry.discarded() if k[0] == "sample_rate"} == {("sample_rate", "error")}


def test_T007_the_first_sampler_that_matches_decides_alone(make_daemon, sentry):
    d = sampler(make_daemon, sentry, {
        "sample fatal": {"on": "event", "when": 'level = "fatal"', "rate": "1"},
        "sample later": {"on": "event", "when": 'level in ("fatal", "info")', "rate": "0"},
    }, errors="0", never_sample_crashes="no")
    fatal = [event(level="fatal") for _ in range(10)]
    info, error = event(level="info"), event()
    assert set(kept(d, sentry, [*fatal, info, error])) == {ids_of(b) for b in fatal}
    assert dropped_by(d, ids_of(info)) == ("sample_rate", "sample later")
    assert dropped_by(d, ids_of(error)) == ("sample_rate", "sampling errors")


def test_T007_a_higher_rate_keeps_a_superset(make_daemon, make_sentry):
    bodies = [event() for _ in range(100)]
    survivors = []
    for rate in ("0.2", "0.5", "0.8"):
        s = make_sentry()
        d = make_daemon(s, {**QUICK, "sample a": {"on": "event", "rate": rate}})
        survivors.append(set(kept(d, s, bodies)))
    assert survivors[0] < survivors[1] < survivors[2]


@pytest.mark.parametrize("rate, is_kept", [("0.25", True), ("0.2", False), ("0", False),
                                           ("1", True)])
def test_T008_the_comparison_with_the_number_is_strict(make_daemon, sentry, rate, is_kept):
    d = sampler(make_daemon, sentry, transactions=rate)
    body = transaction(header=dsc(sample_rate="1.0", sample_rand="0.200000"))
    assert bool(kept(d, sentry, [body])) == is_kept


def test_T009_daemons_agree_about_whole_traces(make_daemon, make_sentry):
    rng = random.Random(9)
    traces = [f"{rng.getrandbits(128):032x}" for _ in range(200)]
    pairs = []
    for _ in range(2):
        s = make_sentry()
        pairs.append((sampler(make_daemon, s, transactions="0.4"), s))
    sent = {n: [] for n in range(2)}
    for trace in traces:
        for n in range(5):
            sent[n % 2].append(transaction(header=dsc(trace, sample_rate="1.0")))
    got = [e.headers["trace"]["trace_id"] for n, (d, s) in enumerate(pairs)
           for e in kept(d, s, sent[n]).values()]
    assert set(map(got.count, traces)) == {0, 5}
    assert 50 < len(set(got)) < 110


@pytest.mark.parametrize("trace, number", NUMBERS.items())
def test_T010_the_last_digits_of_the_trace_id_are_its_number(make_daemon, sentry, trace, number):
    """Kept by a rate just above it, dropped by one that is not."""
    above = f"{float(number) + 1e-6:.6f}"
    d = make_daemon(sentry, {
        **QUICK, "sampling": {"transactions": "0"},
        "sample above": {"on": "transaction", "when": 'tags.rate = "above"', "rate": above},
        "sample same": {"on": "transaction", "when": 'tags.rate = "same"', "rate": number}})
    yes, no = (transaction(trace, tags={"rate": r}) for r in ("above", "same"))
    assert set(kept(d, sentry, [yes, no])) == {ids_of(yes)}


def test_T011_absolute_rates_drop_nothing_of_who_keeps_less(make_daemon, make_sentry):
    low, high = (dsc(sample_rate="0.1", sample_rand=x) for x in ("0.049999", "0.050000"))
    for rate, survivors, told in (("0.5", [low, high], "0.1"), ("0.05", [low], "0.05")):
        s = make_sentry()
        d = sampler(make_daemon, s, transactions=rate)
        got = kept(d, s, [transaction(header=h) for h in (low, high)])
        assert [e.headers["trace"] for e in got.values()] == \
            [{**h, "sample_rate": told, "public_key": UPSTREAM_KEY} for h in survivors]


def test_T012_relative_rates_are_of_what_arrives(make_daemon, sentry):
    d = sampler(make_daemon, sentry, transactions="0.5", mode="relative")
    low, high = (transaction(header=dsc(sample_rate="0.1", sample_rand=x))
                 for x in ("0.049999", "0.050000"))
    got = kept(d, sentry, [low, high])
    assert set(got) == {ids_of(low)}
    assert got[ids_of(low)].headers["trace"]["sample_rate"] == "0.05"


def test_T013_odd_headers_pass_unharmed(make_daemon, sentry):
    d = sampler(make_daemon, sentry, transactions="0.5")
    header = dsc(sample_rate="a lot", sample_rand="0.100000", later={"n": [1, None, 1.50]})
    body = transaction(header=header)
    got = kept(d, sentry, [body])
    assert got[ids_of(body)].headers["trace"] == {**header, "public_key": UPSTREAM_KEY}
    gone = transaction(header={**header, "sample_rand": "0.600000"})
    assert kept(d, sentry, [gone]) == {}


def test_T014_slow_ones_are_kept_and_quick_ones_hardly(make_daemon, sentry):
    d = make_daemon(sentry, {
        **QUICK, "sampling": {"transactions": "0.00001"},
        "sample slow": {"on": "transaction", "when": "duration_ms >= 8000", "rate": "1",
                        "scope": "transaction"},
        "sample slower": {"on": "transaction", "when": "duration_ms >= 2000", "rate": "0.5",
                          "scope": "transaction"}})
    rng = random.Random(14)
    ways = {seconds: [transaction(f"{rng.getrandbits(128):032x}", start_timestamp=1767225600.0,
                                  timestamp=1767225600.0 + seconds) for _ in range(200)]
            for seconds in (8, 2, 1.999)}
    got = set(kept(d, sentry, [b for bodies in ways.values() for b in bodies]))
    left = {seconds: sum(ids_of(b) in got for b in bodies) for seconds, bodies in ways.items()}
    assert left[8] == 200 and 70 <= left[2] <= 130 and left[1.999] <= 1


def parted(name, header):
    """The head of a trace and what continues it, by names of their own."""
    return (transaction(header=header, transaction=name),
            transaction(header=header, transaction="worker", parent="aaaaaaaaaaaaaaaa"))


def test_T015_a_continuation_shares_the_fate_of_its_head(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "sample health": {
        "on": "transaction", "when": 'transaction = "/health"', "rate": "0"}})
    health = parted("/health", dsc(transaction="/health", sample_rate="1.0"))
    buy = parted("/buy", dsc(transaction="/buy", sample_rate="1.0"))
    assert set(kept(d, sentry, [*health, *buy])) == {ids_of(b) for b in buy}


def test_T015_with_no_each_transaction_is_judged_by_its_own_fields(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "sampling": {"respect_parent": "no"}, "sample health": {
        "on": "transaction", "when": 'transaction = "/health"', "rate": "0"}})
    head, rest = parted("/health", dsc(transaction="/health", sample_rate="1.0"))
    assert set(kept(d, sentry, [head, rest])) == {ids_of(rest)}


def test_T015_inherit_keeps_what_the_sdk_decided(make_daemon, sentry):
    d = make_daemon(sentry, {
        **QUICK, "sampling": {"transactions": "0"}, "sample parents": {
            "on": "transaction", "when": "exists(contexts.trace.parent_span_id)",
            "rate": "inherit", "scope": "transaction"}})
    head, rest = parted("/a", dsc(sample_rate="0.5", sample_rand="0.400000"))
    got = kept(d, sentry, [head, rest])
    assert set(got) == {ids_of(rest)}
    assert got[ids_of(rest)].headers["trace"]["sample_rate"] == "0.5"


def test_T016_a_limit_counts_each_key_apart(make_daemon, sentry):
    d = make_daemon(sentry, {**QUICK, "rule a": {"then": "limit 10 per 1h by (tags.key)"}})
    first = [event(tags={"key": "a"}) for _ in range(11)]
    other = event(tags={"key": "b"})
    assert set(kept(d, sentry, [*first, other])) == {ids_of(b) for b in [*first[:10], other]}
    assert dropped_by(d, ids_of(first[10])) == ("before_send", "rule a")
    assert d.dropped("before_send", "error") == 1
