"""Rules, redaction and selectors: statements 1 to 44 of scrubbing, by picket scrub."""

import json

import pytest

from scrub_tool import applied, by_default, note, pattern, refusal, scrub, text_of, tool

IP_HASH = "AE12FE3B5F129B5CC4CDD2B136B7B7947C4D2741"  # of 127.0.0.1
CARD = "4571234567890111"


# --- configurations ------------------------------------------------------------------

def test_S001_a_rule_named_like_a_builtin_replaces_it():
    got, rem = text_of("127.0.0.1 a@b.co", ["@ip:replace"],
                       **{"@ip:replace": {"type": "email",
                                          "redaction": {"method": "replace", "text": "[mine]"}}})
    assert got == "127.0.0.1 [mine]"
    assert rem == [["@ip:replace", "s", 10, 16]]


def test_S002_an_unknown_rule_is_passed_over_and_told():
    rules = applied("@no-such-rule", "group", group={"type": "multiple", "rules": ["gone", "@ip"]})
    done = tool(b'{"extra":{"x":"127.0.0.1"}}', "--type", "event", rules=rules)
    assert done.returncode == 0
    assert json.loads(done.stdout)["extra"]["x"] == "[ip]"
    assert b"@no-such-rule" in done.stderr and b"gone" in done.stderr


def test_S003_rules_run_in_byte_order_of_their_names():
    # The one that runs first leaves nothing for the other.
    for written in (["a", "B"], ["B", "a"]):
        _, rem = text_of("word", written, a=pattern("word"), B=pattern("word"))
        assert [r[0] for r in rem] == ["B"]
    _, rem = text_of("word", ["all"], a=pattern("word"), B=pattern("word"),
                     all={"type": "multiple", "rules": ["a", "B"]})
    assert [r[0] for r in rem] == ["B"]


def test_S004_applications_run_and_or_not_path():
    by_kind = [("$string && extra.*", "and"), ("$string || x", "or"), ("!y", "not"),
               ("extra.*", "path")]
    rules = {name: pattern("word") for _, name in by_kind}
    for first in range(len(by_kind)):
        left = by_kind[first:]
        for written in (left, left[::-1]):
            config = {"rules": rules, "applications": {s: [name] for s, name in written}}
            got = scrub({"extra": {"x": "word"}}, rules=config)
            assert [r[0] for r in note(got, "extra", "x")["rem"]] == [left[0][1]], written


def test_S005_what_is_reported():
    assert text_of("127.0.0.1", ["@ip"]) == ("[ip]", [["@ip", "s", 0, 4]])
    assert text_of("127.0.0.1", ["@ip:replace"]) == ("[ip]", [["@ip:replace", "s", 0, 4]])
    assert text_of("127.0.0.1", ["own"], own={"type": "ip", "redaction": {
        "method": "replace", "text": "-"}}) == ("-", [["own", "s", 0, 1]])


def test_S006_common_reports_the_inner_names():
    assert text_of("127.0.0.1 a@b.co", ["@common"]) == (
        "[ip] [email]", [["@ip", "s", 0, 4], ["@email", "s", 5, 12]])
    assert text_of("078-05-1120", ["@common:filter"])[1] == [["@usssn:filter", "s", 0, 10]]


def test_S007_a_hidden_inner_rule_takes_the_outer_name_and_redaction():
    outer = {"type": "alias", "rule": "@ip:replace", "redaction": {"method": "mask"}}
    assert text_of("a 127.0.0.1", ["o"], o={**outer, "hideInner": True}) == (
        "a *********", [["o", "m", 2, 11]])
    assert text_of("a 127.0.0.1", ["o"], o={**outer, "hideInner": False}) == (
        "a [ip]", [["@ip:replace", "s", 2, 6]])


def test_S008_groups_of_a_pattern():
    text = "id=77 name=jo"
    assert text_of(text, ["p"], p=pattern("id=(\\d+)", "#"))[0] == "# name=jo"
    assert text_of(text, ["p"], p=pattern("id=(\\d+)", "#", replaceGroups=None))[0] == "# name=jo"
    assert text_of(text, ["p"], p=pattern("id=(\\d+)", "#", replaceGroups=[1]))[0] == (
        "id=# name=jo")
    assert text_of(text, ["p"], p=pattern("id=(\\d+)|tel=(\\d+)", "#", replaceGroups=[2])) == (
        text, None)


def test_S009_replace_without_text():
    assert text_of("127.0.0.1", ["r"], r={"type": "ip", "redaction": {"method": "replace"}}) == (
        "[Filtered]", [["r", "s", 0, 10]])


def test_S010_a_mask_is_one_star_a_character():
    assert text_of("a äöü€𝄞 b", ["r"], r=pattern("ä.*𝄞", method="mask")) == (
        "a ***** b", [["r", "m", 2, 7]])


def test_S011_a_hash_is_hmac_sha1_with_an_empty_key():
    assert text_of("127.0.0.1", ["@ip:hash"]) == (IP_HASH, [["@ip:hash", "p", 0, 40]])
    got, _ = text_of("größe", ["r"], r=pattern(".+", method="hash"))
    assert len(got) == 40 and got == got.upper() and int(got, 16)


def test_S012_a_hash_key_in_vars_changes_nothing_and_is_told():
    config = {**applied("@ip:hash"), "vars": {"hashKey": "secret"}}
    done = tool(b'{"extra":{"x":"127.0.0.1"}}', "--type", "event", rules=config)
    assert json.loads(done.stdout)["extra"]["x"] == IP_HASH
    assert b"hashKey" in done.stderr


def test_S013_remove_inside_of_a_text():
    assert text_of("a 127.0.0.1 b", ["@ip:remove"]) == ("a  b", [["@ip:remove", "x", 2, 2]])


@pytest.mark.parametrize("rule, text, want, letter", [
    ("@imei:mask", "490154203237518", None, "p"),
    ("@mac", "00:00:5e:00:53:01", "*" * 17, "m"),
    ("@uuid", "ceee0822-ed8f-4622-b2a3-789e73e75cd1", "*" * 36, "m"),
    ("@usssn", "078-05-1120", "*" * 11, "m"),
    ("@ip", "127.0.0.1", "[ip]", "s"), ("@email", "a@b.co", "[email]", "s"),
    ("@iban", "DE89370400440532013000", "[iban]", "s"), ("@creditcard", CARD, "[creditcard]", "s"),
    ("@imei", "490154203237518", "[imei]", "s"), ("@urlauth", "http://a:b@h", "http://[auth]@h", "s"),
    ("@userpath", "/home/jo/x", "/home/[user]/x", "s"), ("@bearer", "Bearer abc", "Bearer [token]", "s"),
    ("@anything", "abc", "[Filtered]", "s"),
])
def test_S014_what_plain_names_do(rule, text, want, letter):
    got, rem = text_of(text, [rule])
    assert rem[0][:2] == [rule, letter]
    assert got == want or (want is None and len(got) == 40)


def test_S014_a_password_is_removed():
    got = scrub({"extra": {"password": "x"}}, rules=applied("@password"))
    assert got["extra"]["password"] is None
    assert note(got, "extra", "password") == {"rem": [["@password", "x"]]}
    assert text_of("my password", ["@password"]) == ("", [["@password", "x", 0, 0]])


def test_S015_user_names_in_paths_stay_by_default():
    text = "/home/jdoe/src C:\\Users\\jdoe\\x"
    assert by_default({"extra": {"x": text}})["extra"]["x"] == text
    assert text_of(text, ["@userpath:filter"]) == (text, None)


# --- what is found -------------------------------------------------------------------

def test_S016_ipv4_with_byte_range_and_length():
    got = scrub({"extra": {"x": "é 127.0.0.1 after"}}, rules=applied("@ip"))
    assert got["extra"]["x"] == "é [ip] after"
    assert note(got, "extra", "x") == {"rem": [["@ip", "s", 3, 7]], "len": 17}


def test_S017_ipv6():
    for text in ("[2001:0db8:85a3:0000:0000:8a2e:0370:7334]", "[2001:db8::]", "[::1]"):
        assert text_of(f"at {text}:80", ["@ip"])[0] == "at [[ip]]:80"
    for text in ("x2001:0db8:85a3:0000:0000:8a2e:0370:7334", "::1g"):
        assert text_of(text, ["@ip"]) == (text, None)


def test_S018_card_numbers():
    for text in (CARD, "4571-2345-6789-0111", "4571 2345 6789 0111", "378282246310005"):
        assert text_of(text, ["@creditcard"])[0] == "[creditcard]", text
    for text in ("1234567890123456", "4571  2345 6789 0111", "a" + CARD):
        assert text_of(text, ["@creditcard"]) == (text, None)


def test_S019_ibans():
    assert text_of("xDE89370400440532013000", ["@iban"])[1] is None
    assert text_of("DE89370400440532013000!", ["@iban"])[0] == "[iban]!"


def test_S020_credentials_in_addresses():
    assert text_of("https://user:pass@host/", ["@urlauth"])[0] == "https://[auth]@host/"
    assert text_of("https://user:pass@host/", ["@urlauth:legacy"])[0] == (
        "https://user:[Filtered]@host/")


def test_S021_addresses_without_credentials_stay():
    for rule in ("@urlauth", "@urlauth:legacy"):
        assert text_of("https://example.com/a?b=c", [rule]) == ("https://example.com/a?b=c", None)


def test_S022_pem_blocks_keep_their_frame():
    text = "-----BEGIN EC PRIVATE KEY-----\nAAAA\nBBBB\n-----END EC PRIVATE KEY-----"
    assert text_of(text, ["@pemkey"])[0] == (
        "-----BEGIN EC PRIVATE KEY-----\n[pemkey]\n-----END EC PRIVATE KEY-----")


def test_S023_token_in_keys_and_values():
    assert text_of("x", ["@password:filter"], key="X-Token")[0] == "[Filtered]"
    assert text_of("token count", ["@password:filter"]) == ("token count", None)
    assert text_of("?token=x", ["@password:filter"])[0] == "[Filtered]"


def test_S024_otp_and_two_factor_are_whole_keys():
    for key in ("otp", "two-factor", "two_factor", "OTP"):
        assert text_of("x", ["@password:filter"], key=key)[0] == "[Filtered]", key
    for key in ("otp_used", "my-otp", "two-factors", "a_two_factor"):
        assert text_of("x", ["@password:filter"], key=key) == ("x", None), key


def test_S025_auth_counts_anywhere():
    for key in ("auth", "author", "is_authenticated", "OAUTH"):
        assert text_of("x", ["@password:filter"], key=key)[0] == "[Filtered]", key
    assert text_of("the author", ["@password:filter"])[0] == "[Filtered]"


@pytest.mark.parametrize("value", [17, 1.5, [1, 2], {"a": "b"}])
def test_S026_what_is_no_text_under_a_sensitive_key_is_removed(value):
    got = by_default({"extra": {"password": value}})
    assert got["extra"]["password"] is None
    assert note(got, "extra", "password") == {"rem": [["@password:filter", "x"]]}


def test_S027_values_that_never_change():
    event = {"extra": {"password": "", "secret": "true", "auth": "false", "passwd": "null",
                       "apikey": "undefined", "token": True, "credentials": False,
                       "mysql_pwd": None}}
    assert by_default(event) == event
    for rule in ("@anything:remove", "@anything:replace", "@password"):
        assert scrub(event, rules=applied(rule, to="extra.*")) == event


def test_S028_what_is_filtered_already_gets_no_second_remark():
    event = {"extra": {"password": "[Filtered]"},
             "_meta": {"extra": {"password": {"": {"rem": [["!config", "s"]], "len": 7}}}}}
    assert by_default(event) == event


def test_S029_a_key_takes_the_whole_value_and_its_remarks():
    rules = {"rules": {"late": {"type": "redact_pair", "keyPattern": "secret",
                                "redaction": {"method": "replace", "text": "[all]"}}},
             "applications": {"$string && extra.**": ["@ip"], "extra.secret": ["late"]}}
    got = scrub({"extra": {"secret": "at 127.0.0.1"}}, rules=rules)
    assert got["extra"]["secret"] == "[all]"
    assert note(got, "extra", "secret") == {"rem": [["late", "s", 0, 5]], "len": 12}


def test_S030_ranges_are_bytes_and_lengths_are_characters():
    got = scrub({"extra": {"x": "€€ a@b.co"}}, rules=applied("@email"))
    assert note(got, "extra", "x") == {"rem": [["@email", "s", 7, 14]], "len": 9}


def test_S031_notes_that_came_along_survive():
    meta = {"extra": {"x": {"": {"rem": [["!limit", "s"]], "len": 99}}},
            "user": {"id": {"": {"err": ["invalid_data"]}}}}
    got = scrub({"extra": {"x": "plain", "y": "127.0.0.1"}, "user": {"id": None}, "_meta": meta},
                rules=applied("@ip"))
    assert note(got, "extra", "x") == {"rem": [["!limit", "s"]], "len": 99}
    assert note(got, "user", "id") == {"err": ["invalid_data"]}
    assert note(got, "extra", "y")["rem"] == [["@ip", "s", 0, 4]]


# --- selectors -----------------------------------------------------------------------

FRAME = {"exception": {"values": [{"stacktrace": {"frames": [
    {"abs_path": "/home/jo/a.py", "function": "f"}]}}]}}


def abs_path(selector):
    got = scrub(FRAME, rules=applied("@userpath", to=selector))
    return got["exception"]["values"][0]["stacktrace"]["frames"][0]["abs_path"]


def test_S032_types_do_not_reach_maybe_fields_but_paths_do():
    assert abs_path("$string") == "/home/jo/a.py"
    for selector in ("$frame.abs_path", "abs_path", "frames.0.abs_path"):
        assert abs_path(selector) == "/home/[user]/a.py", selector
    assert abs_path("values.0.$frame.abs_path") == "/home/jo/a.py"


def test_S033_wildcards_of_many_levels_do_not_reach_maybe_fields():
    for selector in ("**", "exception.**", "$frame.**"):
        assert abs_path(selector) == "/home/jo/a.py", selector


def test_S034_what_is_below_is_not_the_thing_itself():
    event = {"extra": {"foo": {"bar": "x", "baz": {"n": "y"}}}, "server_name": "z"}
    got = scrub(event, rules=applied("@anything:remove", to="foo.**"))
    assert got["extra"]["foo"] == {"bar": None, "baz": None}
    assert got["server_name"] == "z"
    got = scrub(event, rules=applied("@anything:remove", to="**"))
    assert got["extra"] is None and got["server_name"] is None


@pytest.mark.parametrize("selector", ["a.**.b.**", "*", "$nothing", "a..b", "", "9x", "a &&", "'"])
def test_S035_selectors_that_are_refused(selector):
    said = refusal(applied("@ip", to=selector))
    assert "application" in said and "line 1" in said and "rules.json" in said


def test_S036_keys_match_in_any_case_and_may_be_quoted():
    event = {"extra": {"My Key.it's": "x", "ÄB": "y"}}
    got = scrub(event, rules=applied("@anything", to="extra.'my key.IT''S'"))
    assert got["extra"] == {"My Key.it's": "[Filtered]", "ÄB": "y"}
    got = scrub(event, rules=applied("@anything", to="EXTRA.'äb'"))
    assert got["extra"]["ÄB"] == "[Filtered]"


def test_S037_not_does_not_match_false_fields():
    event = {"release": "127.0.0.1", "transaction": "127.0.0.1", "extra": {"b": "127.0.0.1"},
             "culprit": "127.0.0.1"}
    got = scrub(event, rules=applied("@ip", to="!a"))
    assert got["release"] == got["transaction"] == "127.0.0.1"
    assert got["extra"]["b"] == got["culprit"] == "[ip]"


def test_S038_pairs_are_addressed_by_key_and_noted_by_index():
    event = {"tags": [["env", "x"], ["who", "me"]],
             "request": {"headers": [["Accept", "x"], ["X-Who", "me"]],
                         "cookies": [["who", "me"]], "query_string": [["a", "1"], ["who", "me"]]}}
    rules = {"applications": {"tags.who": ["@anything"], "headers.x-who": ["@anything"],
                              "cookies.who": ["@anything"], "query_string.who": ["@anything"]}}
    got = scrub(event, rules=rules)
    request = got["request"]
    assert got["tags"] == [["env", "x"], ["who", "[Filtered]"]]
    assert request["headers"] == [["Accept", "x"], ["X-Who", "[Filtered]"]]
    assert request["cookies"] == [["who", "[Filtered]"]]
    assert request["query_string"] == [["a", "1"], ["who", "[Filtered]"]]
    for path in (("tags", "1", "1"), ("request", "headers", "1", "1"),
                 ("request", "cookies", "0", "1"), ("request", "query_string", "1", "1")):
        assert note(got, *path)["rem"] == [["@anything", "s", 0, 10]], path


def test_S039_lists_of_pairs_in_free_members():
    got = by_default({"extra": {"good": [["password", "x"], ["b", "y"]],
                                "bad": [["password", "x"], ["b"]],
                                "none": [["password", "x", "y"]]}})["extra"]
    assert got["good"] == [["password", "[Filtered]"], ["b", "y"]]
    # By index: the word stands in a value now.
    assert got["bad"] == [["[Filtered]", "x"], ["b"]]
    assert got["none"] == [["[Filtered]", "x", "y"]]


def test_S040_keys_of_pairs_never_change():
    event = {"extra": {"list": [["127.0.0.1", "127.0.0.1"]]}, "tags": [["127.0.0.1", "127.0.0.1"]]}
    got = scrub(event, rules={"applications": {"$string": ["@ip"], "tags.*": ["@ip"]}})
    assert got["extra"]["list"] == got["tags"] == [["127.0.0.1", "[ip]"]]


PATHS = {"debug_meta": {"images": [{"type": "macho", "code_file": "/home/jo/lib.so"}]},
         "exception": FRAME["exception"]}


@pytest.mark.parametrize("rule", ["@anything:remove", "@anything:replace", "@anything:mask",
                                  "@anything:hash", "@userpath:remove"])
def test_S041_base_names_survive(rule):
    got = scrub(PATHS, rules={"applications": {"$frame.abs_path": [rule],
                                               "debug_meta.images.*.code_file": [rule]}})
    frame = got["exception"]["values"][0]["stacktrace"]["frames"][0]
    assert frame["abs_path"].endswith("a.py") and "jo/" not in frame["abs_path"]
    image = got["debug_meta"]["images"][0]["code_file"]
    assert image.endswith("lib.so") and "jo/" not in image


def test_S042_a_removed_image_path_leaves_the_base_name():
    got = scrub(PATHS, rules=applied("@anything:remove", to="debug_meta.images.*.code_file"))
    assert got["debug_meta"]["images"][0]["code_file"] == "lib.so"
    assert note(got, "debug_meta", "images", "0", "code_file")["rem"][0][:2] == [
        "@anything:remove", "x"]


def test_S043_which_selectors_reach_image_paths():
    for selector in ("debug_meta.**", "$string", "**"):
        assert scrub(PATHS, rules=applied("@userpath", to=selector))["debug_meta"] == (
            PATHS["debug_meta"]), selector
    got = scrub(PATHS, rules=applied("@userpath", to="debug_meta.images.*.code_file"))
    assert got["debug_meta"]["images"][0]["code_file"] == "/home/[user]/lib.so"


def test_S044_a_hashed_address_becomes_the_id_of_who_has_none():
    rules = applied("@ip:hash", to="$user.ip_address")
    got = scrub({"user": {"ip_address": "127.0.0.1"}}, rules=rules)
    assert got["user"] == {"ip_address": None, "id": IP_HASH}
    assert note(got, "user", "ip_address")["rem"] == [["pii:ip_address", "x"]]
    assert note(got, "user", "id")["rem"] == [["@ip:hash", "p", 0, 40]]
    for name in ("id", "username", "email"):
        got = scrub({"user": {"ip_address": "127.0.0.1", name: "me"}}, rules=rules)
        assert got["user"] == {"ip_address": IP_HASH, name: "me"}
