"""What the daemon keeps, drops and fills in, and what it tells Sentry about it."""

import json
import os
import re
import subprocess
import sys
import threading

import pytest

import client
import wire
from daemon import wait_until
from settings import TIME_SCALE
from test_sdk_python import run_app

TRACE = "771a43a4192642f0b136d5159a501700"  # its number is 0.214188


def dsc(rate="1.0", rand=None, trace=TRACE, **more):
    head = {"trace_id": trace, "public_key": wire.KEY, "sample_rate": rate, "sampled": "true"}
    if rand is not None:
        head["sample_rand"] = rand
    head.update(more)
    return {"trace": head}


def traced(rate="1.0", rand=None, trace=TRACE, **more):
    return wire.transaction(headers=dsc(rate, rand, trace, **more))


def items(*pairs, eid=None, **headers):
    return wire.build({"event_id": eid or wire.new_id(), **headers}, list(pairs))


def one(sentry, kind):
    """Payload of the only item of this kind that got there."""
    found = sentry.items(kind)
    assert len(found) == 1, found
    return found[0].json()


# --- sampling ---


def test_a_sampled_error_is_answered_200_and_reported_p032_t4_t6(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"errors": "0"}})
    eid = wire.new_id()
    r = d.send(items(({"type": "event"}, wire.event_payload(eid)),
                     ({"type": "session"}, b'{"sid":"1","init":true,"attrs":{"release":"a"}}'),
                     ({"type": "attachment", "filename": "f"}, b"12345"), eid=eid))
    assert (r.status, r.json()) == (200, {"id": eid})
    sentry.wait_for(lambda: sentry.items("session"))
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "error"] == 1)
    assert not sentry.items("event") and not sentry.items("attachment")
    assert sentry.discarded()["sample_rate", "attachment"] == 5
    assert sentry.discarded()["sample_rate", "attachment_item"] == 1
    assert d.dropped("sample_rate", "error") == 1
    assert d.metrics()['picket_items_dropped_total{reason="sample_rate",category="error"}'] == 1
    d.check_conservation()


def test_an_attachment_that_comes_later_shares_the_fate_t17(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"errors": "0"}})
    eid = wire.new_id()
    d.send_ok(wire.event(eid))
    d.send_ok(items(({"type": "attachment", "filename": "f"}, b"abc"), eid=eid))
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "attachment"] == 3)
    assert not sentry.items("attachment")


def test_the_rate_of_a_trace_is_written_back_t11_p125(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"transactions": "0.05"}})
    d.send_ok(traced("0.1", "0.049999", odd="stays"))
    sentry.wait_for(lambda: sentry.items("transaction"))
    head = sentry.envelopes()[-1].headers["trace"]
    assert head == {"trace_id": TRACE, "public_key": wire.UPSTREAM_KEY, "sample_rate": "0.05",
                    "sampled": "true", "sample_rand": "0.049999", "odd": "stays"}
    d.send_ok(traced("0.1", "0.05"))
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "transaction"] == 1)
    assert sentry.discarded()["sample_rate", "span"] == 3
    assert len(sentry.items("transaction")) == 1


def test_what_is_kept_whole_keeps_its_header_p128(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"transactions": "0.5"}})
    d.send_ok(traced("0.1", "0.07"))
    sentry.wait_for(lambda: sentry.items("transaction"))
    raw = sentry.envelopes()[-1].header_line.decode()
    assert '"sample_rate":"0.1","sampled":"true","sample_rand":"0.07"' in raw


def test_two_daemons_agree_about_every_trace_t9_p126(make_daemon, make_sentry):
    sentries = make_sentry(), make_sentry()
    daemons = [make_daemon(s, {"sampling": {"transactions": "0.5"}}) for s in sentries]
    traces = [wire.new_id() for _ in range(60)]
    for trace in traces:
        for d in daemons:
            d.send_ok(traced(trace=trace))
    for d in daemons:
        d.wait_empty()
    kept = [{e.headers["trace"]["trace_id"] for e in s.envelopes() if e.of_type("transaction")}
            for s in sentries]
    assert kept[0] == kept[1]
    assert 10 < len(kept[0]) < 50
    want = {t for t in traces if int(t[-14:], 16) / 2 ** 56 < 0.5}
    assert kept[0] == want


def test_crashes_are_kept_t18(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"errors": "0"}})
    eid = wire.new_id()
    d.send_ok(wire.event(eid, level="fatal", exception={"values": [
        {"type": "SIGSEGV", "mechanism": {"type": "signalhandler", "handled": False}}]}))
    sentry.wait_event(eid)


def test_logs_are_sampled_one_by_one_p119_t22(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"logs": "0"}})
    body = wire.logs(["a", "b", "c", "d", "e"])
    payload = wire.parse_strict(body).items[0].payload
    d.send_ok(body)
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "log_item"] == 5)
    assert sentry.discarded()["sample_rate", "log_byte"] == len(payload)
    assert not sentry.items("log")


def test_what_is_never_sampled_gets_there_p133(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {k: "0" for k in (
        "errors", "transactions", "profiles", "profile_sessions", "replays", "logs", "metrics",
        "spans")}})
    d.send_ok(wire.session())
    d.send_ok(wire.check_in())
    d.send_ok(items(({"type": "feedback"}, b'{"contexts":{"feedback":{"message":"m"}}}')))
    d.send_ok(wire.client_report())
    d.wait_empty()
    for kind in ("session", "check_in", "feedback", "client_report"):
        assert sentry.items(kind), kind


def test_profiles_follow_their_transaction_p134(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"transactions": "0.2"}})
    for trace in (TRACE, "12312012123120121231201212312012"):  # 0.214, 0.192
        eid = wire.new_id()
        d.send_ok(wire.build({"event_id": eid, **dsc(trace=trace)}, [
            ({"type": "transaction"}, b'{"spans":[]}'),
            ({"type": "profile", "platform": "python"}, b'{"version":"1"}')]))
    d.wait_empty()
    assert len(sentry.items("transaction")) == len(sentry.items("profile")) == 1
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "profile"] == 1)


# --- ignore, storm, defaults, trimming ---


def test_the_filters_reason_wins_over_samplings_t1(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"errors": "0"}, "ignore": {"errors": "ValueError"}})
    d.send_ok(wire.event(exception={"values": [{"type": "ValueError", "value": "x"}]}))
    sentry.wait_for(lambda: sentry.discarded()["event_processor", "error"] == 1)
    assert sentry.discarded()["sample_rate", "error"] == 0


def test_ignored_transactions_are_counted_with_spans_t33(make_daemon, sentry):
    d = make_daemon(sentry, {"ignore": {"transactions": "GET /x"}})
    d.send_ok(wire.transaction(spans=3))
    sentry.wait_for(lambda: sentry.discarded()["event_processor", "transaction"] == 1)
    assert sentry.discarded()["event_processor", "span"] == 4


def test_a_storm_is_folded(make_daemon, sentry):
    d = make_daemon(sentry, {"storm": {"per_issue": "2/1h"}})
    for n in range(6):
        d.send_ok(wire.event(extra={"n": n}))
    sentry.wait_for(lambda: sentry.discarded()["event_processor", "error"] == 4)
    assert [e.json()["extra"]["n"] for e in sentry.items("event")] == [0, 1]


def test_defaults_are_filled_t43_t44(make_daemon, sentry):
    d = make_daemon(sentry, {"event": {"server_name": "till-7"}, "tags": {"region": "eu"}},
                    env={"SENTRY_RELEASE": "app@3", "SENTRY_ENVIRONMENT": "prod"})
    d.send_ok(wire.event(environment="own", tags={"a": "b"}))
    d.wait_empty()
    event = one(sentry, "event")
    assert event["release"] == "app@3" and event["environment"] == "own"
    assert event["server_name"] == "till-7"
    assert event["tags"] == {"a": "b", "region": "eu"}
    bare = b'{"sid":"1","init":true,"attrs":{}}'
    d.send_ok(wire.build({}, [({"type": "session"}, bare)]))
    d.wait_empty()
    assert sentry.items("session")[0].payload == bare


def test_an_untouched_part_keeps_its_bytes(make_daemon, sentry):
    d = make_daemon(sentry, {"event": {"max_breadcrumbs": "1"}})
    odd = (b'{ "n" : 1e400, "big":123456789012345678901234567890, "s":"\\ud800",'
           b'"breadcrumbs":{"values":[{"a":1},{"a" : 2}]} ,"z":"\\u0041" }')
    d.send_ok(items(({"type": "event"}, odd)))
    d.wait_empty()
    got = sentry.items("event")[0].payload
    assert got.startswith(b'{ "n" : 1e400, "big":123456789012345678901234567890, "s":"\\ud800",')
    assert b'[{"a" : 2}]} ,"z":"\\u0041"' in got
    assert b'"_meta":{"breadcrumbs":{"":{"len":2}}}' in got


def test_bodies_spans_and_texts_are_cut(make_daemon, sentry):
    d = make_daemon(sentry, {"event": {"max_spans": "1", "max_value_length": "64",
                                       "max_request_body_size": "small"}})
    d.send_ok(wire.transaction(spans=3))
    d.send_ok(wire.event(request={"data": "x" * 1001}, extra={"k": "y" * 65}))
    d.wait_empty()
    transaction = one(sentry, "transaction")
    assert len(transaction["spans"]) == 1
    assert transaction["_meta"]["spans"] == {"": {"len": 3}}
    event = one(sentry, "event")
    assert event["request"]["data"] == ""
    assert event["extra"]["k"] == "y" * 61 + "..."
    sentry.wait_for(lambda: sentry.discarded()["buffer_overflow", "span"] == 2)
    d.check_conservation()


def test_a_client_on_a_unix_socket_may_be_tagged_with_its_container(make_daemon, sentry):
    d = make_daemon(sentry, {"event": {"kubernetes": "yes"}},
                    env={"POD_NAME": "web-1", "NODE_NAME": "n3"})
    d.send_ok(wire.event(), over="unix")
    d.wait_empty()
    event = one(sentry, "event")
    assert event["tags"]["k8s.pod"] == "web-1" and event["server_name"] == "n3"
    with open(f"/proc/{os.getpid()}/cgroup", encoding="ascii") as f:
        ids = re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", f.read())
    assert event["tags"].get("container.id") == (ids[-1] if ids else None)


def test_an_event_that_is_sent_twice_gets_there_once_t42(make_daemon, sentry):
    d = make_daemon(sentry, {"dedupe": {"window": "1m"}})
    eid = wire.new_id()
    for _ in range(3):
        assert d.send_ok(wire.event(eid)).json() == {"id": eid}
    sentry.wait_for(lambda: sentry.discarded()["event_processor", "error"] == 2)
    assert sentry.event_ids().count(eid) == 1


def test_a_head_and_its_continuation_share_one_fate_t15(make_daemon, sentry):
    d = make_daemon(sentry, {"sample health": {
        "on": "transaction", "when": 'transaction = "/health"', "rate": "0"}})
    head = dsc(transaction="/health")

    def send(name, parent):
        eid = wire.new_id()
        body = {"event_id": eid, "type": "transaction", "transaction": name, "spans": [],
                "contexts": {"trace": {"trace_id": TRACE, "span_id": "1234567890abcdef",
                                       "parent_span_id": parent}}}
        d.send_ok(wire.build({"event_id": eid, **head},
                             [({"type": "transaction"}, wire.compact(body))]))

    send("/health", None)
    send("worker", "aaaaaaaaaaaaaaaa")
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "transaction"] == 2)
    head = dsc(transaction="/buy")
    send("worker", "aaaaaaaaaaaaaaaa")
    sentry.wait_for(lambda: len(sentry.items("transaction")) == 1)


def test_a_real_sdk_is_judged(make_daemon, sentry):
    """An unmodified sentry-sdk: its error is ignored, its trace sampled out, the rest arrives."""
    d = make_daemon(sentry, {"ignore": {"errors": "ValueError"}, "sampling": {"transactions": "0"},
                             "event": {"max_breadcrumbs": "1"}, "tags": {"region": "eu"}})
    marker = wire.new_id()
    run_app(d, marker)
    d.wait_empty()
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "span"] == 2)
    assert sentry.discarded()["event_processor", "error"] == 1
    assert sentry.discarded()["sample_rate", "transaction"] == 1
    assert not sentry.items("transaction")
    event = one(sentry, "event")
    assert event["message"] == f"message {marker}" and event["tags"]["region"] == "eu"
    assert event["environment"] == "it"
    assert sentry.items("session") and sentry.items("log")
    assert len(sentry.items("attachment")) == 1  # the message's; the error's went with it


def test_sampling_keeps_a_share_of_what_a_real_sdk_sends(make_daemon, sentry):
    """The SDK's own random numbers, as they come over the wire."""
    d = make_daemon(sentry, {"sampling": {"transactions": "0.5"}})
    script = ("import sys, sentry_sdk\n"
              "sentry_sdk.init(dsn=sys.argv[1], traces_sample_rate=0.9)\n"
              "for n in range(80):\n"
              "    with sentry_sdk.start_transaction(op='t', name='n'): pass\n"
              "    sentry_sdk.flush(timeout=15)\n")
    done = subprocess.run([sys.executable, "-c", script, d.dsn()], capture_output=True, text=True,
                          timeout=60 * TIME_SCALE, check=False)
    assert done.returncode == 0, done.stderr
    d.wait_empty()
    heads = [e.headers["trace"] for e in sentry.envelopes() if e.of_type("transaction")]
    assert heads and all(h["sample_rate"] == "0.5" for h in heads)
    assert all(float(h["sample_rand"]) < 0.5 for h in heads)
    assert len(heads) + d.dropped("sample_rate", "transaction") == d.received("transaction")
    assert d.dropped("sample_rate", "transaction") > 5


# --- life ---


def test_nothing_configured_passes_bytes_through(picketd, sentry):
    body = b'{"a" :1 ,\n"spans":[]}'
    eid = wire.new_id()
    picketd.send_ok(items(({"type": "transaction"}, body), eid=eid))
    sentry.wait_event(eid)
    assert sentry.items("transaction")[0].payload == body


def test_rates_change_on_reload_and_bad_ones_do_not_t3(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.wait_event(d.send_event())
    d.set("sampling", errors="0")
    d.reload()
    d.send_event()
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "error"] == 1)
    d.set("sampling", errors="0")
    d.set("ignore", errors="/(/")
    told = d.reload()
    assert told["ev"] == "reload_failed"
    assert "ignore.errors" in told["why"] and "picket.conf:" in told["why"]
    d.send_event()
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "error"] == 2)


def test_a_bad_pattern_refuses_the_start(make_daemon, sentry):
    d = make_daemon(sentry, {"ignore": {"errors": "class:python-oss"}}, wait=None)
    d.expect_dead = True
    d.start(wait=False)
    assert d.wait_exit() == 78
    assert "did you mean class:python-os?" in d.log()


def test_a_full_spool_counts_nothing_of_what_it_refused(make_daemon, sentry):
    """After a 503 the client counts the loss itself: not twice (5.3)."""
    gate = sentry.gate()
    from fake_sentry import Answer
    sentry.script(Answer(gate=gate))
    d = make_daemon(sentry, {"sampling": {"errors": "0"},
                             "spool": {"max_size": "1M", "when_full": "refuse"}})

    def fill():
        payload = os.urandom(200_000)
        return d.send(wire.build({}, [({"type": "filler"}, payload)])).status == 503

    wait_until(fill, 20, "a full spool")
    eid = wire.new_id()
    r = d.send(items(({"type": "event"}, wire.event_payload(eid)),
                     ({"type": "session"}, os.urandom(200_000).hex().encode()), eid=eid))
    assert r.status == 503
    assert d.dropped("sample_rate", "error") == 0
    gate.set()


def test_many_clients_lose_and_double_nothing(make_daemon, sentry):
    d = make_daemon(sentry, {"sampling": {"errors": "0.5", "transactions": "0.5"}})

    def work():
        with d.conn("unix") as c:
            for _ in range(100):
                assert c.envelope(wire.event()).status == 200
                assert c.envelope(traced(trace=wire.new_id())).status == 200

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    d.wait_empty()
    t = d.totals()
    for category, per in (("error", 1), ("transaction", 1), ("span", 3)):
        gone = t["dropped"]["sample_rate"][category]
        assert t["received"][category] == 400 * per
        assert t["delivered"][category] + gone == 400 * per
        assert 100 * per < gone < 300 * per
    sentry.wait_for(
        lambda: sentry.discarded()["sample_rate", "error"] == t["dropped"]["sample_rate"]["error"])


@pytest.mark.parametrize("over", ["raw", "datagram"])
def test_other_ways_in_are_judged_alike(make_daemon, sentry, over):
    d = make_daemon(sentry, {"sampling": {"errors": "0"}, "listen": {"unixgram": "g.sock"}},
                    wait=None)
    d.set("listen", unixgram=str(d.gram))
    d.write_conf()
    d.start()
    if over == "raw":
        assert client.raw_envelope(d.unix, wire.event())["status"] == 200
    else:
        client.datagram(d.gram, wire.event())
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "error"] == 1)
    assert json.loads(d.get("/status").body)["totals"]["received"]["error"] == 1
