"""What scrubbing takes out is nowhere: not upstream, not in the spool, not in the log."""

import json

import pytest

import client
import wire
from daemon import wait_until
from test_captured import CAPTURED, ENVELOPES, MANIFEST, post

# As it is without a word in the configuration.
ON = {"defaults": None, "deep": None, "ip_addresses": None}
# What default scrubbing covers; people's names, numbers and paths are for rules.
COVERED = ["ipv4", "ipv6", "credit_card_visa", "credit_card_mastercard", "credit_card_amex",
           "password", "api_token", "bearer_jwt", "session_cookie", "csrf_token", "ssn", "iban"]
SECRETS = {k: MANIFEST["fake_secrets"][k].encode() for k in COVERED}
SECRETS["url_userinfo"] = b"FAKE-urlpass"
SECRETS["pem_private_key"] = b"RkFLRUZBS0VGQUtF"


def has_file(entry):
    """Attachments are for rules that name them."""
    return "attachment" in entry["item_types"]


def found(data):
    return sorted(k for k, v in SECRETS.items() if v in data)


def spool_bytes(d):
    for path in sorted(d.spool.rglob("*")):
        if path.is_file():
            yield path.read_bytes()


def lines(d, *command):
    return [json.loads(line) for line in d.cli(*command).stdout.decode().split("\n") if line]


def stored(d):
    """What waits, decoded."""
    for row in lines(d, "spool", "ls", "--json", "-n", "10000"):
        if "seq" in row:
            yield d.cli("spool", "show", "--raw", str(row["seq"])).stdout


def test_planted_secrets_reach_neither_disk_nor_upstream(make_daemon, sentry):
    d = make_daemon(sentry, {"scrub": ON, "batch": {"max_items": 1}})
    sentry.down()
    sent = 0
    for entry in (e for e in ENVELOPES if not has_file(e)):
        data = (CAPTURED / entry["file"]).read_bytes()
        assert post(d.http, entry, data, "gzip").status == 200, entry["file"]
        sent += bool(found(data))
    assert sent > 15
    for data in spool_bytes(d):
        assert found(data) == []
    waiting = list(stored(d))
    assert waiting
    for data in waiting:
        assert found(data) == [], data[:300]
    d.kill9()
    for data in spool_bytes(d):
        assert found(data) == []
    d.start()
    sentry.up()
    d.wait_empty(60)
    for request in sentry.accepted():
        for item in request.envelope.items:
            assert found(item.payload) == [], item.payload[:300]
    assert found(d.log(all_runs=True).encode()) == []
    assert d.metrics()["picket_scrub_limits_total"] == 0


def test_what_was_done_is_noted_and_counted(make_daemon, sentry):
    d = make_daemon(sentry, {"scrub": ON})
    eid = "a" * 32
    body = json.dumps({"event_id": eid, "extra": {"password": "hunter2", "n": 1},
                       "user": {"ip_address": "127.0.0.1"}}).encode()
    head = b'{"event_id":"%s"}\n{"type":"event","length":%d}\n' % (eid.encode(), len(body))
    d.send_ok(head + body)
    sentry.wait_event(eid)
    got = json.loads(sentry.payloads("event")[-1])
    assert got["extra"] == {"password": "[Filtered]", "n": 1}
    assert got["_meta"]["extra"]["password"][""] == {
        "rem": [["@password:filter", "s", 0, 10]], "len": 7}
    assert got["user"]["ip_address"] is None
    assert d.metrics()["picket_scrub_replaced_total"] == 1
    assert d.metrics()["picket_scrub_removed_total"] == 1


def test_what_cannot_be_read_is_dropped_and_counted(make_daemon, sentry):
    d = make_daemon(sentry, {"scrub": ON})
    eid = "b" * 32
    bad = b'{"event_id":"%s"}\n{"type":"event","length":9}\nnot JSON!' % eid.encode()
    d.send_ok(bad)
    wait_until(lambda: d.dropped("event_processor", "error") == 1, what="the drop to be counted")
    assert d.metrics()["picket_scrub_items_dropped_total"] == 1
    assert sentry.payloads("event") == []


RULES = {"rules": {"words": {"type": "pattern", "pattern": "tangerine",
                             "redaction": {"method": "replace", "text": "[fruit]"}}},
         "applications": {"$string": ["words"], "$attachments.'note.txt'": ["words"]}}


def with_rules(make_daemon, sentry, rules, **scrub):
    d = make_daemon(sentry, {"scrub": {"defaults": "no", "deep": "no", "ip_addresses": "no"}},
                    wait=None)
    path = d.dir / "rules.json"
    path.write_text(json.dumps(rules, indent=1))
    d.set("scrub", rules=str(path), **scrub)
    d.write_conf()
    d.start()
    return d, path


def send_extra(d, eid, text):
    body = json.dumps({"event_id": eid, "extra": {"x": text}}).encode()
    note = text.encode()
    d.send_ok(b'{"event_id":"%s"}\n{"type":"event","length":%d}\n%s\n'
              b'{"type":"attachment","filename":"note.txt","length":%d}\n%s'
              % (eid.encode(), len(body), body, len(note), note))


def test_rules_of_ones_own_reach_events_and_attachments(make_daemon, sentry):  # 68
    d, _ = with_rules(make_daemon, sentry, RULES)
    send_extra(d, "c" * 32, "a tangerine here")
    sentry.wait_event("c" * 32)
    assert json.loads(sentry.payloads("event")[-1])["extra"]["x"] == "a [fruit] here"
    assert sentry.payloads("attachment")[-1] == b"a [fruit]** here"


def test_a_bad_file_of_rules_leaves_the_old_ones_in_force(make_daemon, sentry):  # 74
    d, path = with_rules(make_daemon, sentry, RULES)
    path.write_text('{"rules":\n {"words": {"type": "tangerines"}}}')
    done = d.cli("reload")
    assert done.returncode == 78
    assert 'rules.json: rule "words": line 2' in done.stderr.decode()
    send_extra(d, "d" * 32, "tangerine")
    sentry.wait_event("d" * 32)
    assert json.loads(sentry.payloads("event")[-1])["extra"]["x"] == "[fruit]"


@pytest.mark.parametrize("rules", ["", "{", '{"rules": {"a": {"type": "what"}}}'])
def test_a_bad_file_of_rules_is_refused_at_start(make_daemon, rules):  # 74
    d = make_daemon(None, wait=None)
    path = d.dir / "rules.json"
    path.write_text(rules)
    d.set("scrub", rules=str(path))
    d.set("upstream", dsn="https://a@h/1")
    d.write_conf()
    d.start(wait=False)
    d.expect_dead = True
    assert d.wait_exit() == 78
    assert "scrub.rules" in d.log() and "rules.json" in d.log()


def test_send_default_pii_no_takes_out_what_sdks_do_not_collect(make_daemon, sentry):  # T47 to T50
    d = make_daemon(sentry, {"event": {"send_default_pii": "no"}})
    eid = "e" * 32
    body = json.dumps({
        "event_id": eid,
        "user": {"ip_address": "{{auto}}", "email": "a@b.co"},
        "request": {"cookies": {"a": "b"}, "headers": [["Cookie", "a=b"], ["Accept", "x"]],
                    "env": {"REMOTE_ADDR": "1.2.3.4", "X": "y"}},
        "breadcrumbs": {"values": [{"data": {"url": "http://u:p@h/x?a=1&b"}}]},
        "extra": {"celery-job": {"task_name": "t", "args": [1], "kwargs": {}}},
    }).encode()
    d.send_ok(b'{"event_id":"%s"}\n{"type":"event","length":%d}\n%s' % (eid.encode(), len(body), body))
    sentry.wait_event(eid)
    got = json.loads(sentry.payloads("event")[-1])
    assert got["user"] == {"ip_address": None, "email": "a@b.co"}
    assert got["request"] == {"cookies": None, "headers": [["Cookie", ""], ["Accept", "x"]],
                              "env": {"REMOTE_ADDR": None, "X": "y"}}
    assert got["breadcrumbs"]["values"][0]["data"]["url"] == (
        "http://[Filtered]:[Filtered]@h/x?a=[Filtered]&b")
    assert got["extra"]["celery-job"] == {"task_name": "t", "args": "[Filtered]",
                                          "kwargs": "[Filtered]"}
    assert got["_meta"]["request"]["headers"]["0"]["1"][""]["rem"] == [["!config", "x"]]


def test_spool_audit_finds_what_waits_and_tells_only_where(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.down()
    eid = "f" * 32
    body = json.dumps({"event_id": eid, "extra": {"deep": {"card": "4571234567890111"}}}).encode()
    d.send_ok(b'{"event_id":"%s"}\n{"type":"event","length":%d}\n%s' % (eid.encode(), len(body), body))
    done = d.cli("spool", "audit")
    assert done.returncode == 1, done.stderr
    assert b"extra.deep.card" in done.stdout and b"@creditcard" in done.stdout
    assert b"4571234567890111" not in done.stdout
    rows = lines(d, "spool", "audit", "--json")
    assert {"path": "extra.deep.card", "rule": "@creditcard"}.items() <= rows[0].items()
    assert client.once(d.http, "GET", "/healthz").status == 200


def test_what_each_rule_of_scrubbing_did_is_told(make_daemon, sentry, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({
        "rules": {"order": {"type": "pattern", "pattern": "ORD-[0-9]+"}},
        "applications": {"$string": ["order"]}}))
    d = make_daemon(sentry, {"scrub": {**ON, "deep": "no", "rules": str(rules)}})
    for _ in range(3):
        eid = wire.new_id()
        d.send_ok(wire.event(eid, extra={
            "a": "ORD-1", "b": "card 4571234567890111", "password": "x"}))
        sentry.wait_event(eid)
    figures = {(r["pass"], r["rule"]): r for r in d.status()["scrub_rules"]}
    assert figures["rules", "order"]["hits"] == 3
    assert figures["defaults", "@creditcard:filter"]["hits"] == 3
    assert figures["defaults", "@password:filter"]["hits"] == 3
    quiet = figures["defaults", "@iban:filter"]
    assert quiet["hits"] == 0 and quiet["runs"] < 10, "a cheap look at a text saves most runs"
    assert sum(r["time_us"] for r in figures.values()) > 0
    metrics = d.metrics()
    assert metrics['picket_scrub_rule_hits_total{pass="rules",rule="order"}'] == 3
    text = d.cli("status").stdout.decode()
    assert "order (rules)  3 hits" in text and "@iban" not in text
