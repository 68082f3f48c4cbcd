"""Attachments, and what holds for all scrubbing: statements 68 to 75, by picket scrub."""

import hashlib
import hmac
import json

import pytest

import wire
from crash_dump import Dump
from scrub_tool import applied, attachment, pattern, refusal, scrub, scrub_bytes, tool
from settings import ROOT

VECTORS = sorted((ROOT / "tests" / "data" / "pii").glob("*.json"))


def wide(text):
    return text.encode("utf-16-le")


@pytest.mark.parametrize("rule, want", [
    ("@ip:replace", b"a [ip]***** b"), ("@ip:mask", b"a ********* b"),
    ("@ip:remove", b"a ********* b"), ("@ip:hash", b"a AE12FE3B5 b"),
    ("own", b"a a longer  b"),
])
def test_S068_an_attachment_keeps_its_length(rule, want):
    rules = {"rules": {"own": {"type": "ip", "redaction": {"method": "replace",
                                                           "text": "a longer text"}}},
             "applications": {"$attachments.'a.bin'": [rule]}}
    assert attachment(b"a 127.0.0.1 b", rules) == want
    assert attachment(b"a 127.0.0.1 b", rules, "other.bin") == b"a 127.0.0.1 b"


def test_S068_rules_for_whole_values_overwrite_everything():
    for rule in ("@password", "pair"):
        got = attachment(b"\x00\xffmy password\n", applied(
            rule, to="$binary", pair={"type": "redact_pair", "keyPattern": "password",
                                      "redaction": {"method": "remove"}}))
        assert got == b"*" * 14


def test_S069_wide_text_in_a_binary_attachment():
    rules = applied("@ip:mask", to="$binary")
    data = b"\x01\xdc\x02\xdc" + wide("127.0.0.1") + b"\x03\xdc" + b"127.0.0.1"
    want = b"\x01\xdc\x02\xdc" + wide("*********") + b"\x03\xdc" + b"*********"
    assert attachment(data, rules) == want
    # Fewer than five characters are no text.
    four = applied("p", to="$binary", p=pattern("[a-z]+", method="mask"))
    lone = b"\x00\xdc"
    assert attachment(lone + wide("äöüß") + lone, applied(
        "p", to="$binary", p=pattern("ö", method="mask"))) == lone + wide("äöüß") + lone
    assert attachment(lone + wide("äöüßé") + lone, applied(
        "p", to="$binary", p=pattern("ö", method="mask"))) == lone + wide("ä*üßé") + lone
    assert attachment(b"abc", four) == b"***"


def test_S070_a_hash_of_wide_text_is_over_its_bytes():
    text = "a@example-with-a-long-name.example.com"
    got = attachment(wide(text), applied("@email:hash", to="$binary"))
    digest = hmac.new(b"", wide(text), hashlib.sha1).hexdigest().upper()
    assert got == wide(digest[:len(text)])


def envelope(payload, **headers):
    return wire.build({"event_id": "a" * 32}, [({"type": "attachment", **headers}, payload)])


def scrubbed_item(payload, rules, **headers):
    out = scrub_bytes(envelope(payload, **headers), "--type", "envelope", rules=rules)
    head, _, rest = out.partition(b"\n")
    item, _, body = rest.partition(b"\n")
    assert json.loads(head)["event_id"] == "a" * 32
    return body[:json.loads(item)["length"]]


VIEW = {"a": {"b": "127.0.0.1 x"}, "list": [1, True, None, "127.0.0.1"], "n": 127.01}


def test_S071_a_json_attachment_keeps_its_structure():
    for headers in ({"attachment_type": "event.view_hierarchy", "filename": "view.json"},
                    {"content_type": "application/json", "filename": "v"}):
        got = json.loads(scrubbed_item(json.dumps(VIEW).encode(), applied("@ip"), **headers))
        assert got == {"a": {"b": "[ip] x"}, "list": [1, True, None, "[ip]"], "n": 127.01}
        got = json.loads(scrubbed_item(json.dumps(VIEW).encode(), applied("@anything:remove", to="a.b"),
                                       **headers))
        assert got == {**VIEW, "a": {"b": ""}}


def test_S071_what_only_says_it_is_json_is_bytes():
    got = scrubbed_item(b"not JSON 127.0.0.1", applied("@ip:mask", to="$binary"),
                        content_type="application/json", filename="v")
    assert got == b"not JSON *********"


# What each part holds.
PARTS = {"stack": b"stack 127.0.0.1 ", "heap": b"heap 127.0.0.1 ", "wide": wide("wide 127.0.0.1"),
         "environ": b"A=127.0.0.1", "cmdline": b"prog\0--at=127.0.0.1",
         "code": wide("/home/127.0.0.1/127.0.0.1"), "debug": b"/x/127.0.0.1/a.pdb"}
DUMP = Dump(stack=PARTS["stack"], heap=PARTS["heap"] + b"\0" + PARTS["wide"], environ=PARTS["environ"],
            cmdline=PARTS["cmdline"], modules=[("/home/127.0.0.1/127.0.0.1", "/x/127.0.0.1/a.pdb")])


def parts_hit(selector, dump=DUMP, rule="@ip:mask"):
    data = dump.data()
    got = scrubbed_item(data, applied(rule, to=selector), attachment_type="event.minidump",
                        filename="crash.dmp")
    assert len(got) == len(data)
    return {name for name, text in PARTS.items() if text in data and text not in got}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("selector, hit", [
    ("$binary", {"heap", "wide", "environ", "cmdline"}),
    ("**", {"heap", "wide", "environ", "cmdline", "code", "debug"}),
    ("$minidump.$binary", {"heap", "wide", "environ", "cmdline"}),
    ("$minidump.*", {"stack", "heap", "wide", "environ", "cmdline", "code", "debug"}),
    ("stack_memory", {"stack"}), ("$stack_memory", {"stack"}),
    ("$minidump.stack_memory", {"stack"}), ("$minidump.$stack_memory", set()),
    ("$heap_memory", {"heap", "wide"}),
    ("heap_memory", {"heap", "wide"}), ("$string", {"code", "debug"}),
    ("code_file", {"code"}), ("debug_file", {"debug"}),
    ("$attachments.'other.dmp'.**", set()),
    ("$attachments.'crash.dmp'.debug_file", {"debug"}),
])
def test_S072_parts_of_a_minidump(selector, hit, full):
    dump = Dump(**{**vars(DUMP), "full": full})
    assert parts_hit(selector, dump) == hit


def test_S072_the_last_part_of_a_path_stays():
    got = scrubbed_item(DUMP.data(), applied("@ip:mask"), attachment_type="event.minidump")
    assert wide("/home/*********/127.0.0.1") in got and b"/x/*********/a.pdb" in got


# --- together ------------------------------------------------------------------------

def documents():
    for path in VECTORS:
        v = json.loads(path.read_text())
        form = {"string": "event", "event_graphql": None}.get(v["item_type"], v["item_type"])
        config = json.dumps([v.get("config"), v.get("datascrubbing")])
        kept = not any(m in config for m in (":hash", '"hash"', ":mask", '"mask"'))
        if form in ("event", "span", "breadcrumb", "trace_context", "span_v2", "log",
                    "attributes") and kept and (v.get("config") or v.get("datascrubbing")):
            yield path.stem, form, v


def test_S073_scrubbing_twice_is_scrubbing_once():
    seen = 0
    for name, form, v in documents():
        how = {"rules": v.get("config"), "settings": v.get("datascrubbing")}
        once = scrub(v["input"], form, **how)
        assert scrub(once, form, **how) == once, name
        seen += once != v["input"]
    assert seen > 80


@pytest.mark.parametrize("rules, says", [
    ('{"rules":\n{"r": {"type": "nothing"}}}', ['rule "r"', "line 2", '"nothing"']),
    ('{"rules": {"r": {"type": "ip",\n "redaction": {"method": "zap"}}}}',
     ['rule "r"', "line 2", '"zap"']),
    ('{"rules": {"r": {"type": "pattern",\n\n"pattern": "a("}}}', ['rule "r"', "line 3", "byte 2"]),
    ('{"rules": {"r": {"type": "pattern", "pattern": "(?=a)"}}}', ['rule "r"', "line 1"]),
    ('{"applications":\n {"$string": ["@ip"],\n  "a.**.b.**": ["@ip"]}}', ["a.**.b.**", "line 3"]),
    ('{"applications": {"$nothing": ["@ip"]}}', ["$nothing", "line 1"]),
    ('{"rules": {"r": {"type": "alias", "rule": "r"}}}', ['"r"', "line 1"]),
    ('{"rules":\n {"r": ]}}', ["line 2, column 8"]),
])
def test_S074_what_is_invalid_is_refused_with_its_place(rules, says):
    said = refusal(rules)
    for part in ["rules.json", *says]:
        assert part in said, said


def test_S075_a_pattern_over_its_limit_removes():
    evil = pattern("(a+)+$", "[gone]")
    text = "a" * 60 + "! and a secret"
    got = scrub({"extra": {"x": text, "y": "fine"}}, rules=applied("evil", evil=evil))
    assert got["extra"] == {"x": "[gone]", "y": "fine"}
    data = attachment(text.encode(), applied("evil", to="$binary", evil=evil))
    assert len(data) == len(text) and b"secret" not in data and b"aa" not in data


def test_S075_what_costs_too_much_is_not_tried_for_ever():
    rules = applied("evil", evil=pattern("(a|aa|a?)+$", "[gone]"))
    lines = b"\n".join(json.dumps({"extra": {"x": "a" * n + "!"}}).encode() for n in range(40, 240))
    done = tool(lines, "--lines", "--type", "event", rules=rules)
    assert done.returncode == 0
    assert all(json.loads(line)["extra"]["x"] == "[gone]" for line in done.stdout.splitlines())
