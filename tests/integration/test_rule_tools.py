"""picket rules test, check and diff: rules before they are in force (design 7)."""

import json
import subprocess

import pytest

import wire
from daemon import wait_until
from settings import PICKET

DROP_NOISE = '[rule noise]\nwhen = message contains "noise"\nthen = drop\n'


def picket(*args, cwd=None, env=None, stdin=None):
    return subprocess.run([PICKET, "rules", *args], cwd=cwd, env=env or {}, input=stdin,
                          capture_output=True, text=True, timeout=60)


@pytest.fixture
def run_case(tmp_path):
    """Runs one case, or several of one file; the result and what was printed."""
    def run(*args, files=None, **case):
        for name, text in (files or {}).items():
            (tmp_path / name).write_text(text)
        (tmp_path / "case.json").write_text(json.dumps(case))
        return picket("test", *args, "case.json", cwd=tmp_path)
    return run


def passes(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fails(done):
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


# --- picket rules test ----------------------------------------------------------------


def test_a_case_tells_whether_it_is_dropped_and_why(run_case):
    case = dict(rules=DROP_NOISE, type="event", input={"message": "noise"}, expect="dropped")
    assert passes(run_case(**case)) == "ok      case.json\n1 case, 0 failed\n"
    passes(run_case(**case, reason="before_send", by="rule noise"))
    assert "reason: expected sample_rate, found before_send" in \
        fails(run_case(**case, reason="sample_rate"))
    assert 'by: expected "rule other", found "rule noise"' in \
        fails(run_case(**case, by="rule other"))
    assert "expected to be dropped, was kept" in fails(run_case(**{**case, "input": {"a": 1}}))


def test_the_first_difference_is_named_by_its_path(run_case):
    case = dict(rules='[rule r]\nthen = set user.id = "x"; delete extra."a b"',
                input={"user": {"id": 1}, "extra": {"a b": 1, "c": [1, 2, 3]}})
    passes(run_case(**case, expect={"extra": {"c": [1, 2, 3.0]}, "user": {"id": "x"}}))
    out = fails(run_case(**case, expect={"user": {"id": "x"}, "extra": {"c": [1, 3]}}))
    assert "extra.c[1]: expected nothing, found 2" in out
    out = fails(run_case(**case, expect={"user": {"id": "y"}, "extra": {"c": [1, 2, 3]}}))
    assert 'user.id: expected "y", found "x"' in out
    out = fails(run_case(**case, expect="unchanged"))
    assert "user.id: expected 1, found" in out or 'extra."a b": expected 1, found nothing' in out
    assert "was dropped (before_send) by rule r" in \
        fails(run_case(rules="[rule r]\nthen = drop", input={}, expect={}))


def test_what_is_noted_is_compared_only_where_it_is_expected(run_case):
    case = dict(rules="[rule r]\nthen = redact user.email", input={"user": {"email": "a@b.c"}})
    want = {"user": {"email": "[Filtered]"}}
    passes(run_case(**case, expect=want))
    assert "_meta" in fails(run_case(**case, expect={**want, "_meta": {}}))


@pytest.mark.parametrize("kind", ["log", "metric", "span"])
def test_one_entry_stands_for_a_container(run_case, kind):
    rules = f'[rule r]\non = {kind}\nwhen = name = "bad"\nthen = drop\n' \
            f'[rule s]\non = {kind}\nthen = set name = "new"'
    passes(run_case(rules=rules, type=kind, input={"name": "bad"}, expect="dropped",
                    reason="before_send"))
    passes(run_case(rules=rules, type=kind, input={"name": "x"}, expect={"name": "new"}))
    passes(run_case(rules=rules, type=kind, input={"items": [{"name": "bad"}, {"name": "x"}]},
                    expect={"items": [{"name": "new"}]}))


def test_a_breadcrumb_stands_alone(run_case):
    rules = '[rule r]\non = breadcrumb\nwhen = category = "console"\nthen = drop'
    passes(run_case(rules=rules, type="breadcrumb", input={"category": "console"},
                    expect="dropped"))
    passes(run_case(rules=rules, type="breadcrumb", input={"category": "http"},
                    expect="unchanged"))


def test_what_is_bound_to_an_event_can_be_looked_at(run_case):
    more = [{"type": "attachment", "input": "text", "item": {"filename": "a"}, "expect": "dropped"},
            {"type": "session", "input": {"sid": "1", "started": "2026-01-01T00:00:00Z",
                                          "attrs": {"release": "r"}}, "expect": "unchanged"}]
    case = dict(rules=DROP_NOISE, input={"message": "noise"}, expect="dropped")
    passes(run_case(**case, items=more))
    more[0]["expect"] = "unchanged"
    assert "items[0].input: was dropped (before_send)" in fails(run_case(**case, items=more))
    passes(run_case(rules='[rule r]\non = attachment\nwhen = item.size > 3\nthen = drop',
                    type="attachment", input="text", item={"filename": "b"}, expect="dropped",
                    headers={"event_id": "a" * 32}))


def test_virtual_fields_have_their_facts_from_the_case(run_case):
    def drops(when, **case):
        passes(run_case(rules=f"[rule r]\nwhen = {when}\nthen = drop", expect="dropped",
                        **{"input": {"message": "m"}, **case}))

    drops("client.uid = 1000", client={"uid": 1000})
    drops('listener = "unix" and client.pid = 7', client={"listener": "unix", "pid": 7})
    drops('listener = "http"')
    drops('sdk.name = "x"', headers={"sdk": {"name": "x", "version": "1"}})
    drops('item.type = "event" and item.size > 3')
    drops("age > 1h and age < 3h", now="2026-01-01T02:00:00Z",
          input={"timestamp": "2026-01-01T00:00:00Z"})
    drops("age = 5s", now=1767225605, input={"timestamp": 1767225600})


def test_cases_of_a_file_come_one_after_the_other(run_case):
    rules = "[rule few]\nthen = limit 2 per 1m by (tags.shop); count seen; log \"one more\""
    step = lambda now, expect, **more: {"now": now, "expect": expect, **more}
    passes(run_case(rules=rules, input={"tags": {"shop": "a"}}, cases=[
        step(1000, "unchanged", counts={"seen": 1}, logs=["one more"]),
        step(1001, "unchanged"),
        step(1002, "dropped", reason="before_send", counts={"seen": 2}, logs=[]),
        step(1002, "unchanged", input={"tags": {"shop": "b"}}),
        step(1200, "unchanged", name="a minute later")]))
    out = fails(run_case(rules=rules, input={}, cases=[
        {"expect": "dropped", "name": "first"}, {"expect": "unchanged"}]))
    assert "FAILED  case.json #1 (first): cases[0].input: expected to be dropped, was kept" in out
    assert "2 cases, 1 failed" in out


def test_every_section_that_judges_takes_part(run_case):
    passes(run_case(rules="[ignore]\nerrors = KeyError", expect="dropped",
                    input={"exception": {"values": [{"type": "KeyError"}]}},
                    reason="event_processor"))
    passes(run_case(rules="[sampling]\nerrors = 0", input={}, expect="dropped",
                    reason="sample_rate", by="sampling errors"))
    base = {"event_id": "2" * 32, "platform": "c", "timestamp": 1}
    passes(run_case(rules="[tags]\nshop = a", input=base, expect={**base, "tags": {"shop": "a"}}))
    passes(run_case(rules="[sample half]\non = transaction\nrate = 0.5", type="transaction",
                    headers={"trace": {"trace_id": "a" * 32, "public_key": "b" * 32,
                                       "sample_rand": "0.4", "sample_rate": "1.0",
                                       "sampled": "true"}},
                    input={"transaction": "t", "contexts": {"trace": {
                        "trace_id": "a" * 32, "span_id": "b" * 16}}},
                    expect="unchanged", expect_headers={"trace": {"sample_rate": "0.5"}}))
    passes(run_case(rules="[event]\nrelease = ${REL}", env={"REL": "r@1"}, input=base,
                    expect={**base, "release": "r@1"}))
    passes(run_case(rules="[dedupe]\nwindow = 1m", input={"message": "m"}, cases=[
        {"now": 10, "expect": "unchanged"}, {"now": 20, "expect": "dropped"},
        {"now": 200, "expect": "unchanged"}]))


def test_scrubbing_is_off_until_the_rules_speak_of_it(run_case):
    case = dict(input={"extra": {"password": "hunter2"}})
    passes(run_case(rules=DROP_NOISE, expect="unchanged", **case))
    passes(run_case(rules="[scrub]\ndefaults = yes", **case,
                    expect={"extra": {"password": "[Filtered]"}}))


def test_hooks_and_rules_may_be_files_beside_the_case(run_case):
    files = {"h.lua": "function before_send(event) event.level = 'fatal'; return event end\n",
             "r.conf": "[hooks]\nscript = h.lua\n"}
    passes(run_case(files=files, rules_file="r.conf", input={}, expect={"level": "fatal"}))
    passes(run_case(files=files, rules="[hooks]\nscript = h.lua", input={},
                    expect={"level": "fatal"}))


def test_route_and_duplicate_are_told(run_case):
    rules = "[project p]\nkey = k\ndsn = https://k@h/1\n" \
            "[rule r]\nthen = route p\n[rule d]\nthen = duplicate p"
    passes(run_case(rules=rules, input={}, expect="unchanged", route="p", duplicates=["p"]))
    assert "duplicates[0]: expected nothing, found p" in \
        fails(run_case(rules=rules, input={}, expect="unchanged", duplicates=[]))


@pytest.mark.parametrize("case, why", [
    ({"rules": DROP_NOISE, "input": {}}, "expect: is missing"),
    ({"rules": DROP_NOISE, "expect": {}}, "input: is missing"),
    ({"input": {}, "expect": {}}, "rules: is missing"),
    ({"rules": DROP_NOISE, "input": {}, "expct": {}}, "expct: unknown member (did you mean expect?)"),
    ({"rules": DROP_NOISE, "type": "evnt", "input": {}, "expect": {}}, "did you mean event?"),
    ({"rules": 3, "input": {}, "expect": {}}, "rules: is a number, not a text"),
    ({"rules": DROP_NOISE, "input": {}, "expect": "dropped", "reason": "x"}, "reason: is none"),
    ({"rules": DROP_NOISE, "input": 1, "type": "log", "expect": {}}, "input: is no object"),
    ({"rules": DROP_NOISE, "input": {}, "expect": {}, "now": "soon"}, "now: is no time"),
    ({"rules": DROP_NOISE, "input": {}, "expect": {}, "client": {"x": 1}}, "client: has uid"),
    ({"rules": DROP_NOISE, "cases": []}, "cases: is empty"),
    ({"rules": "[rule r]\nthen = dropp", "input": {}, "expect": {}}, "rules:2:8: rule r.then"),
    ({"rules_file": "nowhere.conf", "input": {}, "expect": {}}, "nowhere.conf: No such file"),
    ({"rules": "[hooks]\nscript = no.lua", "input": {}, "expect": {}}, "no.lua"),
])
def test_a_bad_case_fails_and_says_where(run_case, case, why):
    assert why in fails(run_case(**case))


def test_a_directory_is_walked_in_order_and_nothing_is_no_success(tmp_path):
    case = json.dumps(dict(rules=DROP_NOISE, input={"message": "noise"}, expect="dropped"))
    for name in ("b/2.json", "b/1.json", "a.json", "b/.hidden.json", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(case)
    (tmp_path / "b" / "0.json").write_text("{")
    out = fails(picket("test", ".", cwd=tmp_path))
    assert [line.split()[1].rstrip(":") for line in out.splitlines()[:-1]] == [
        "./a.json", "./b/0.json", "./b/1.json", "./b/2.json"]
    assert out.endswith("4 cases, 1 failed\n")
    quiet = fails(picket("test", "-q", ".", cwd=tmp_path))
    assert quiet.splitlines()[0].startswith("FAILED  ./b/0.json") and len(quiet.splitlines()) == 2
    (tmp_path / "empty").mkdir()
    assert picket("test", "empty", cwd=tmp_path).returncode == 66
    assert picket("test", "nowhere", cwd=tmp_path).returncode == 66
    assert picket("test", cwd=tmp_path).returncode == 64


def test_a_dry_run_tells_which_rule_fired_and_what_it_changed_t27(run_case):
    case = dict(rules=DROP_NOISE + '[rule tag]\nthen = tag a = "b"; delete user.email',
                input={"message": "m", "user": {"email": "a@b.c", "id": 1}},
                expect={"message": "m", "user": {"id": 1}, "tags": {"a": "b"}})
    out = passes(run_case("--explain", **case))
    assert "rule tag: true" in out and "rule noise" not in out
    assert 'user.email: "a@b.c" -> nothing' in out and 'tags: nothing -> {"a":"b"}' in out
    rows = [json.loads(x) for x in passes(run_case("--json", "-e", **case)).splitlines()]
    assert rows[0]["rules"] == [{"name": "tag", "hits": 1, "dropped": 0, "errors": 0}]
    assert {c["path"]: (c.get("old"), c.get("new")) for c in rows[0]["changes"]} == {
        "user.email": ("a@b.c", None), "tags": (None, {"a": "b"})}
    assert rows[-1] == {"cases": 1, "failed": 0}


def test_a_configuration_is_tested_with_cases_that_have_no_rules(tmp_path):
    (tmp_path / "picket.conf").write_text(DROP_NOISE)
    (tmp_path / "case.json").write_text(json.dumps(
        dict(input={"message": "noise"}, expect="dropped", by="rule noise")))
    passes(picket("test", "-c", "picket.conf", "case.json", cwd=tmp_path))


def test_payloads_keep_their_text(run_case, tmp_path):
    (tmp_path / "raw.json").write_text(
        '{"rules": "[rule r]\\nthen = tag a = \\"b\\"", "input": {"n": 1e400, "big": '
        '123456789012345678901234567890, "s": "\\ud800"}, "expect": {"n": 1e400, "big": '
        '123456789012345678901234567890, "s": "\\ud800", "tags": {"a": "b"}}}')
    passes(picket("test", "raw.json", cwd=tmp_path))


# --- picket rules check ---------------------------------------------------------------

WHOLE = """[ignore]
errors = KeyError
  ~text
[rule one]
on = event,
  log
then = drop
[sample s]
on = transaction
rate = 0.5
[hooks]
script = {script}
[rule two]
when = message contains "x"
then = tag a = "b"; drop
"""


@pytest.fixture
def whole(tmp_path):
    (tmp_path / "h.lua").write_text("function before_send(e) return e end\n")
    (tmp_path / "r.conf").write_text(WHOLE.format(script=tmp_path / "h.lua"))
    return tmp_path


def test_a_check_lists_what_there_is(whole):
    lines = passes(picket("check", "r.conf", cwd=whole)).splitlines()
    assert lines[0] == "r.conf: ok, 2 rules"
    assert [" ".join(x.split()) for x in lines[1:]] == [
        "rule one on event, log: 1 action", "rule two on event: 2 actions",
        "sample s on transaction: rate 0.5", "ignore errors 2",
        f"hooks {whole}/h.lua: before_send"]
    assert passes(picket("check", "-q", "r.conf", cwd=whole)) == ""
    row = json.loads(passes(picket("check", "--json", "r.conf", cwd=whole)))
    assert row["ok"] and row["hooks"] == ["before_send"] and row["ignore"]["errors"] == 2
    assert row["rules"][1] == {"name": "two", "on": "event", "actions": 2, "place": "r.conf:13"}
    assert row["samples"] == [{"name": "s", "on": "transaction", "rate": "0.5"}]


def test_without_a_file_it_is_the_usual_configuration(whole):
    assert "2 rules" in passes(picket("check", env={"PICKET_CONFIG": str(whole / "r.conf")}))
    assert "2 rules" in passes(picket("check", "-c", str(whole / "r.conf")))


def test_a_fault_has_file_line_column_and_the_nearest_name_t3(whole):
    text = (whole / "r.conf").read_text()
    (whole / "r.conf").write_text(text.replace("contains", "contians"))
    done = picket("check", ".", cwd=whole)
    assert done.returncode == 78 and done.stdout == ""
    assert './r.conf:14:16: rule two.when: "contians" is no operator (did you mean contains?)' \
        in done.stderr
    (whole / "z.conf").write_text(DROP_NOISE)
    done = picket("check", ".", cwd=whole)
    assert done.returncode == 78 and "./z.conf: ok, 1 rule" in done.stdout
    rows = [json.loads(x) for x in picket("check", ".", "--json", cwd=whole).stdout.splitlines()]
    assert [r["ok"] for r in rows] == [False, True] and "r.conf:14:16" in rows[0]["why"]
    (whole / "h.lua").write_text("function (")
    (whole / "r.conf").write_text(text)
    done = picket("check", "r.conf", cwd=whole)
    assert done.returncode == 78 and "r.conf:12: hooks.script" in done.stderr
    assert picket("check", "nowhere.conf", cwd=whole).returncode == 66


# --- picket why -----------------------------------------------------------------------


def life(d, eid):
    done = d.cli("why", eid, "--json")
    return [json.loads(x) for x in done.stdout.splitlines()] if done.returncode == 0 else []


def test_why_names_the_rule_that_dropped_or_changed_an_event(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    d.set("rule noise", when='message contains "noise"', then="drop")
    d.set("rule tagged", then='tag a = "b"')
    d.set("ignore", errors="KeyError")
    d.write_conf()
    d.start()
    dropped, kept, ignored = wire.new_id(), wire.new_id(), wire.new_id()
    d.send(wire.event(dropped, message="noise"))
    d.send_ok(wire.event(kept, message="fine"))
    d.send(wire.event(ignored, exception={"values": [{"type": "KeyError"}]}))
    wait_until(lambda: life(d, dropped) and life(d, kept) and life(d, ignored))
    assert life(d, dropped)[0]["by"] == "rule noise"
    assert life(d, ignored)[0]["by"] == "ignore errors"
    assert life(d, kept)[0]["rules"] == "tagged" and "by" not in life(d, kept)[0]
    text = d.cli("why", dropped).stdout.decode()
    assert "reason before_send, by rule noise" in text
    assert ", rules tagged" in d.cli("why", kept).stdout.decode()


# --- picket rules diff ------------------------------------------------------------------


@pytest.fixture
def diff(tmp_path):
    """Compares two rule sets over these envelopes; what was done."""
    def run(old, new, *envelopes, args=()):
        (tmp_path / "old.conf").write_text(old)
        (tmp_path / "new.conf").write_text(new)
        for i, body in enumerate(envelopes):
            (tmp_path / f"{i}.envelope").write_bytes(body)
        files = [f"{i}.envelope" for i in range(len(envelopes))]
        return picket("diff", "--old", "old.conf", *args, "new.conf", *files, cwd=tmp_path)
    return run


def test_equal_rules_make_no_difference(diff):
    done = diff(DROP_NOISE, DROP_NOISE, wire.event(message="noise"), wire.event(message="a"))
    assert passes(done) == "2 envelopes, 0 differ: 0 items dropped, 0 kept again, 0 changed\n"


def test_what_would_be_dropped_kept_or_changed_is_told_with_its_rule(diff):
    noise, debug, other = wire.new_id(), wire.new_id(), wire.new_id()
    new = '[rule debug]\nwhen = level = "debug"\nthen = drop\n' \
          '[rule tagged]\nwhen = message = "other"\nthen = tag a = "b"; delete user.email\n'
    out = fails(diff(DROP_NOISE, new, wire.event(noise, message="noise"),
                     wire.event(debug, message="m", level="debug"),
                     wire.event(other, message="other", user={"email": "a@b.c"})))
    assert f"0.envelope  {noise}\n" \
           "    event: dropped (before_send, by rule noise) -> kept\n" in out
    assert f"1.envelope  {debug}\n" \
           "    event: kept -> dropped (before_send, by rule debug)\n" in out
    assert f"2.envelope  {other}\n" in out
    assert '    event user.email: "a@b.c" -> nothing\n' in out
    assert '    event tags: nothing -> {"a":"b"}\n' in out
    assert "3 envelopes, 3 differ: 1 items dropped, 1 kept again, 1 changed\n" in out
    assert "  rule noise                    true 1 -> none\n" in out
    assert "  rule debug                    true none -> 1\n" in out


def test_entries_files_and_the_trace_header_are_compared_too(diff, tmp_path):
    trace = {"trace_id": "0" * 31 + "1", "public_key": wire.KEY, "sample_rate": "1.0"}
    body = wire.transaction(headers={"trace": trace})
    out = fails(diff("", "[sampling]\ntransactions = 0.5\n", body))
    assert '    header trace.sample_rate: "1.0" -> "0.5"\n' in out
    out = fails(diff("", "[rule a]\non = log\nwhen = body = \"x\"\nthen = drop\n",
                     wire.logs(["x", "y"])))
    assert "    log items[0]" in out and "-> nothing" in out
    dump = wire.build({"event_id": wire.new_id()},
                      [({"type": "attachment", "filename": "a.txt"}, b"\xff call 10.1.2.3")])
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"applications": {"$attachments.'a.txt'": ["@ip:mask"]}}))
    out = fails(diff("", f"[scrub]\nattachments = yes\nrules = {rules}\n", dump))
    assert "    attachment: other bytes\n" in out


def test_envelopes_without_an_id_have_one_fate_in_both(diff):
    """The id is made up once: a rate would else judge two different events."""
    half = "[sampling]\nerrors = 0.5\n"
    bodies = [b'{}\n{"type":"event"}\n{"message":"m"}\n'] * 20
    passes(diff(half, half, *bodies))


def test_the_difference_is_there_for_programs_too(diff):
    out = fails(diff("", DROP_NOISE, wire.event(message="noise"), args=("--json",)))
    rows = [json.loads(line) for line in out.splitlines()]
    (item,) = rows[0]["items"]
    assert item["old"] == {"kept": True}
    assert item["new"] == {"kept": False, "reason": "before_send", "by": "rule noise"}
    assert rows[1] == {"envelopes": 1, "unread": 0, "differ": 1, "dropped": 1, "kept": 0,
                       "changed": 0}
    assert rows[2] == {"rule": "noise", "new": 1}
    assert fails(diff("", DROP_NOISE, wire.event(message="noise"), args=("-q",))).startswith("1 env")


def test_diff_refuses_what_it_cannot_use(diff, tmp_path):
    done = diff("", "[rule a]\nthen = dorp\n", wire.event())
    assert done.returncode == 78 and "new.conf:2:8" in done.stderr and "drop" in done.stderr
    done = diff("", "", b"no envelope")
    assert done.returncode == 65 and "0.envelope" in done.stderr
    done = picket("diff", cwd=tmp_path)
    assert done.returncode == 64 and "new rules" in done.stderr
    done = picket("diff", "--old", "old.conf", "new.conf", "absent.envelope", cwd=tmp_path)
    assert done.returncode != 0 and "absent.envelope" in done.stderr
    done = picket("diff", "-n", "0", "new.conf", cwd=tmp_path)
    assert done.returncode == 64


def test_rules_are_compared_over_what_waits_and_nothing_of_it_changes(make_daemon, sentry, tmp_path):
    d = make_daemon(sentry)
    sentry.down()
    waiting = [d.send_event() for _ in range(3)]
    (tmp_path / "new.conf").write_text('[rule all]\nthen = drop\n')
    before = d.status()["spool"]["records"]
    done = d.cli("rules", "diff", str(tmp_path / "new.conf"))
    assert done.returncode == 1, done
    out = done.stdout.decode()
    assert all(eid in out for eid in waiting)
    assert "3 envelopes, 3 differ: 3 items dropped" in out
    assert d.status()["spool"]["records"] == before and d.held("error") == 3
    sentry.up()
    sentry.wait_events(waiting)
