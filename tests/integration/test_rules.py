"""The operator's [rule NAME] sections in the real daemon (design 7)."""

import pytest

import wire
from daemon import wait_until

OTHER_KEY = "f" * 32


def ruled(make_daemon, sentry, **rules):
    d = make_daemon(sentry, wait=None)
    for name, keys in rules.items():
        d.set(f"rule {name}", **keys)
    d.write_conf()
    d.start()
    return d


def message(text, **more):
    return wire.event(None, message={"formatted": text}, **more)


def test_a_transaction_is_dropped_by_its_name_and_reported(make_daemon, sentry):
    d = ruled(make_daemon, sentry, health={
        "on": "transaction", "when": 'lower(transaction) contains "health"', "then": "drop"})
    import json
    head = {"event_id": wire.new_id()}
    payload = json.dumps({"type": "transaction", "transaction": "GET /Health", "spans": [{}, {}],
                          "start_timestamp": 1, "timestamp": 2,
                          "contexts": {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}}})
    assert d.send(wire.build(head, [({"type": "transaction"}, payload.encode())])).status == 200
    wait_until(lambda: d.dropped("before_send", "transaction") == 1)
    assert d.dropped("before_send", "span") == 3
    sentry.wait_for(lambda: sentry.discarded()["before_send", "span"] == 3, 20)


def test_edits_leave_the_rest_byte_for_byte(make_daemon, sentry):
    d = ruled(make_daemon, sentry, one={
        "when": 'message startswith "x"',
        "then": 'tag flaky = "yes"; set extra.n = 3; level = "warning"'})
    eid = wire.new_id()
    payload = b'{"event_id":"%s","odd": 1e400,"message":"xyz","dup":1,"dup":2}' % eid.encode()
    d.send_ok(wire.build({"event_id": eid}, [({"type": "event"}, payload)]))
    got = sentry.wait_event(eid).envelope.items[0]
    assert got.payload.startswith(payload[:-1])
    assert got.json()["tags"] == {"flaky": "yes"}
    assert got.json()["extra"] == {"n": 3} and got.json()["level"] == "warning"


def test_rules_run_in_order_and_keep_ends_them(make_daemon, sentry):
    d = ruled(make_daemon, sentry,
              a={"when": 'message = "keep"', "then": "keep"},
              b={"then": "drop event_processor"})
    d.send_ok(message("keep"))
    d.send_ok(message("other"))
    sentry.wait_for(lambda: sentry.items("event"))
    wait_until(lambda: d.dropped("event_processor", "error") == 1)
    d.wait_empty()
    assert len(sentry.items("event")) == 1


def test_what_is_bound_to_a_dropped_event_goes_and_sessions_stay(make_daemon, sentry):
    d = ruled(make_daemon, sentry, all={"then": "drop"})
    eid = wire.new_id()
    d.send_ok(wire.build({"event_id": eid}, [
        ({"type": "event"}, wire.event_payload(eid)),
        ({"type": "attachment", "filename": "a"}, b"12345"),
        ({"type": "session"}, b'{"sid":"1","started":"2026-01-01T00:00:00Z","init":true,'
                              b'"attrs":{"release":"r"}}')]))
    d.wait_empty()
    assert [i.type for e in sentry.envelopes() for i in e.items
            if i.type != "client_report"] == ["session"]
    assert d.dropped("before_send", "error") == 1 and d.dropped("before_send", "attachment") == 5


def test_breadcrumbs_logs_and_spans_one_by_one_p068(make_daemon, sentry):
    d = ruled(make_daemon, sentry,
              crumbs={"on": "breadcrumb", "when": 'category = "noise"', "then": "drop"},
              urls={"on": "breadcrumb", "when": 'data.url contains "token="',
                    "then": 'set data.url = "[REDACTED_URL]"'},
              logs={"on": "log", "when": 'body contains "secret"', "then": "drop"})
    d.send_ok(message("m", breadcrumbs={"values": [
        {"category": "noise"}, {"category": "http", "data": {"url": "http://h/?token=1"}}]}))
    d.send_ok(wire.logs(["a", "the secret", "b"]))
    d.wait_empty()
    crumbs = sentry.items("event")[0].json()
    assert crumbs["breadcrumbs"]["values"] == [
        {"category": "http", "data": {"url": "[REDACTED_URL]"}}]
    assert crumbs["_meta"]["breadcrumbs"][""]["len"] == 2
    [log] = sentry.items("log")
    assert log.headers["item_count"] == 2
    assert [e["body"] for e in log.json()["items"]] == ["a", "b"]
    assert d.dropped("before_send", "log_item") == 1


def test_all_entries_dropped_leave_no_item_p068(make_daemon, sentry):
    d = ruled(make_daemon, sentry, logs={"on": "log", "then": "drop"})
    assert d.send(wire.logs(["a", "b"])).status == 200
    wait_until(lambda: d.dropped("before_send", "log_item") == 2)
    assert not sentry.items("log")


def test_limits_count_by_key(make_daemon, sentry):
    d = ruled(make_daemon, sentry, few={"then": "limit 2 per 1h by (tags.shop)"})
    for shop in ["a", "a", "a", "b", "b", "b"]:
        d.send_ok(message("m", tags={"shop": shop}))
    wait_until(lambda: d.dropped("before_send", "error") == 2)
    d.wait_empty()
    assert len(sentry.items("event")) == 4


def test_each_rule_tells_what_it_did(make_daemon, sentry):
    d = ruled(make_daemon, sentry,
              hit={"when": 'message = "yes"', "then": "count seen; drop"},
              miss={"when": "extra.n > 3", "then": "drop"})
    for text in ("yes", "no"):
        d.send(message(text))
    d.send_ok(message("no", extra={"n": "not a number"}))
    d.wait_empty()
    rules = {r["name"]: r for r in d.status()["rules"]}
    assert (rules["hit"]["hits"], rules["hit"]["misses"], rules["hit"]["dropped"]) == (1, 2, 1)
    assert rules["miss"]["hits"] == 0 and rules["miss"]["errors"] == 1
    assert d.status()["counts"] == {"seen": 1}
    page = d.get("/metrics").body.decode()
    assert 'picket_rule_hits_total{rule="hit"} 1' in page
    assert 'picket_rule_count_total{name="seen"} 1' in page
    assert "hit  1 hits" in d.cli("status").stdout.decode()


def test_sampling_by_a_rule_is_told_to_sentry(make_daemon, sentry):
    d = ruled(make_daemon, sentry, half={
        "on": "transaction", "then": "sample 0.5"})
    for n in range(40):
        trace = f"{n * 6:014x}".rjust(32, "0")
        rand = f"{n / 40:.6f}"
        head = {"event_id": wire.new_id(), "trace": {
            "trace_id": trace, "public_key": "a" * 32, "sample_rate": "1.0",
            "sample_rand": rand, "sampled": "true"}}
        payload = wire.compact({"type": "transaction", "transaction": "t", "spans": [],
                                "contexts": {"trace": {"trace_id": trace, "span_id": "b" * 16}}})
        d.send_ok(wire.build(head, [({"type": "transaction"}, payload)]))
    d.wait_empty()
    assert len(sentry.items("transaction")) == 20
    assert {e.headers["trace"]["sample_rate"] for e in sentry.envelopes()
            if "transaction" in e.types()} == {"0.5"}
    assert d.dropped("sample_rate", "transaction") == 20


def test_route_and_duplicate_reach_other_projects(make_daemon, sentry, make_sentry):
    other = make_sentry(key=OTHER_KEY, project="9")
    d = make_daemon(sentry, wait=None)
    d.set("project other", key="unused", dsn=other.dsn)
    d.set("rule route", when='message = "theirs"', then="route other")
    d.set("rule both", when='message = "both"', then="duplicate other")
    d.write_conf()
    d.start()
    for text in ("ours", "theirs", "both"):
        d.send_ok(message(text))
    d.wait_empty()
    texts = lambda s: sorted(i.json()["message"]["formatted"] for i in s.items("event"))
    assert texts(sentry) == ["both", "ours"]
    assert texts(other) == ["both", "theirs"]


def test_a_copy_of_what_is_divided_is_whole_too(make_daemon, sentry, make_sentry):
    other = make_sentry(key=OTHER_KEY, project="9")
    d = make_daemon(sentry, wait=None)
    d.set("project other", key="unused", dsn=other.dsn)
    d.set("rule both", then="duplicate other")
    d.write_conf()
    d.start()
    ids = [wire.new_id() for _ in range(3)]
    d.send_ok(wire.build({"event_id": ids[0]}, [
        ({"type": "event"}, wire.event_payload(i)) for i in ids]))
    d.wait_empty()
    for far in (sentry, other):
        assert sorted(i.json()["event_id"] for i in far.items("event")) == sorted(ids)
        assert len(far.envelopes()) == 3


def test_a_faulty_rule_is_refused_with_line_and_column(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    d.set("rule bad", when="message containz 3", then="drop")
    d.write_conf()
    d.start(wait=False)
    d.expect_dead = True
    assert d.wait_exit() == 78
    text = d.log_file.read_text()
    assert "rule bad.when" in text and "contains" in text


def test_a_bad_reload_keeps_the_old_rules(make_daemon, sentry):
    d = ruled(make_daemon, sentry, all={"when": 'message = "no"', "then": "drop"})
    d.set("rule worse", then="dropp")
    d.write_conf()
    d.process.send_signal(1)
    wait_until(lambda: d.events("reload_failed"))
    d.send_ok(message("no"))
    wait_until(lambda: d.dropped("before_send", "error") == 1)
