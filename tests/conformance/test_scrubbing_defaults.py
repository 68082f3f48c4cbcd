"""Default scrubbing and items with attributes: statements 45 to 67, by picket scrub."""

import json

import pytest

from scrub_tool import ALL_ON, DEFAULTS, applied, by_default, note, scrub, scrub_bytes

CARD = "4571234567890111"
SSN = "078-05-1120"


def test_S045_with_all_off_nothing_changes():
    event = b'{ "extra":{"password" :"x","card":"4571234567890111"},"user":{"ip_address":"127.0.0.1"}}'
    for settings in ({}, {"scrubData": False, "scrubDefaults": False, "scrubIpAddresses": False},
                     {"sensitiveFields": ["card"], "excludeFields": ["x"]}):
        assert scrub_bytes(event, "--type", "event", settings=settings) == event


def test_S046_defaults_alone_do_nothing():
    event = {"extra": {"password": "x", "card": CARD}, "request": {"cookies": [["session", "a"]]}}
    assert scrub(event, settings={"scrubDefaults": True}) == event


def test_S047_addresses_alone():
    event = {"user": {"ip_address": "73.133.27.120", "email": "a@b.co"},
             "request": {"env": {"REMOTE_ADDR": "not an address", "PASSWORD": "x"}},
             "sdk": {"name": "s", "client_ip": "127.0.0.1"},
             "extra": {"x": "from 127.0.0.1", "password": "x", "card": CARD}}
    got = scrub(event, settings={"scrubIpAddresses": True})
    assert got["user"] == {"ip_address": None, "email": "a@b.co"}
    assert got["request"]["env"] == {"REMOTE_ADDR": None, "PASSWORD": "x"}
    assert got["sdk"] == {"name": "s", "client_ip": None}
    assert got["extra"] == {"x": "from [ip]", "password": "x", "card": CARD}
    # 9.2: both rules act on the user's address.
    assert note(got, "user", "ip_address") == {
        "rem": [["@ip:replace", "s", 0, 4], ["@anything:remove", "x"]], "len": 13}


def test_S048_sensitive_fields_match_anywhere_in_any_case():
    settings = {**DEFAULTS, "sensitiveFields": ["mystuff"]}
    got = by_default({"extra": {"aMyStuffB": "x", "y": "some MYSTUFF here", "z": "plain",
                                "mystuff": 5}}, settings)
    assert got["extra"] == {"aMyStuffB": "[Filtered]", "y": "[Filtered]", "z": "plain",
                            "mystuff": None}
    assert note(got, "extra", "y")["rem"] == [["strip-fields", "s", 0, 10]]


def test_S049_blank_fields_are_ignored():
    event = {"extra": {"a": "x y", "b": CARD}}
    got = by_default(event, {**DEFAULTS, "sensitiveFields": ["", "  "], "excludeFields": ["", " "]})
    assert got["extra"] == {"a": "x y", "b": "[Filtered]"}
    assert by_default({"extra": {"abc": "x"}}, {**DEFAULTS, "sensitiveFields": [" abc "]})[
        "extra"] == {"abc": "[Filtered]"}


def test_S050_an_exclude_field_keeps_the_node_but_not_its_members():
    event = {"extra": {"password": {"a": SSN}}}
    node = by_default(event, {**DEFAULTS, "excludeFields": ["extra.password"]})
    assert node["extra"] == {"password": {"a": "[Filtered]"}}
    below = by_default(event, {**DEFAULTS, "excludeFields": ["extra.password",
                                                             "extra.password.**"]})
    assert below == event


def test_S051_an_exclude_field_that_is_no_selector_is_a_key():
    event = {"extra": {"my password!": "x", "password": "y"}}
    got = by_default(event, {**DEFAULTS, "excludeFields": ["my password!"]})
    assert got["extra"] == {"my password!": "x", "password": "[Filtered]"}


def test_S052_what_exclude_fields_do_not_hold_back():
    settings = {**ALL_ON, "excludeFields": ["ip_address", "session", "formatted", "mine"]}
    event = {"user": {"ip_address": "127.0.0.1"}, "extra": {"mine": "127.0.0.1 word"},
             "request": {"cookies": [["session", "abc"]]}, "logentry": {"formatted": "to a@b.co"}}
    got = by_default(event, settings)
    assert got["user"]["ip_address"] is None
    assert got["request"]["cookies"] == [["session", "[Filtered]"]]
    assert got["logentry"]["formatted"] == "to [email]"
    assert got["extra"]["mine"] == "127.0.0.1 word"
    got = scrub(event, rules=applied("@ip"), settings=settings)
    assert got["extra"]["mine"] == "[ip] word"


def test_S053_the_user_agent_is_exempt():
    event = {"request": {"headers": [["User-Agent", "Chrome/10.0.0.1 auth"], ["X-Other", "10.0.0.1"]]}}
    assert by_default(event)["request"]["headers"] == [["User-Agent", "Chrome/10.0.0.1 auth"],
                                                       ["X-Other", "[ip]"]]


def test_S054_messages_get_replacement_only():
    text = f"password of a@b.co {CARD} DE89370400440532013000 {SSN} Bearer abc at 127.0.0.1"
    want = "password of [email] [creditcard] [iban] *** Bearer [token] at 127.0.0.1"
    got = by_default({"logentry": {"formatted": text}})["logentry"]["formatted"]
    assert got == want.replace("***", "[us-ssn]")


def test_S055_exception_values_are_for_rules_only():
    event = {"exception": {"values": [{"type": "E", "value": f"password {CARD} 127.0.0.1"}]}}
    assert by_default(event) == event
    got = scrub(event, rules=applied("@ip"))
    assert got["exception"]["values"][0]["value"] == f"password {CARD} [ip]"


def test_S056_templates_stay_and_parameters_do_not():
    event = {"logentry": {"message": f"{CARD} %s", "params": [CARD, {"password": "x"}]}}
    got = by_default(event)["logentry"]
    assert got == {"message": f"{CARD} %s", "params": ["[Filtered]", {"password": "[Filtered]"}]}
    assert scrub(event, rules=applied("@anything:remove", to="!a"))["logentry"]["message"] == (
        f"{CARD} %s")


COOKIES = ("sentrysid sudo su session __session sessionid user_session symfony phpsessid "
           "fasthttpsessionid mysession irissessionid _vercel_jwt csrf xsrf _xsrf _csrf "
           "csrf-token csrf_token xsrf-token xsrf_token fastcsrf _iris_csrf").split()


def test_S057_sensitive_cookies():
    sent = [[name, "value"] for name in [*COOKIES, "theme", "PHPSESSID"]]
    got = dict(map(tuple, by_default({"request": {"cookies": sent}})["request"]["cookies"]))
    assert {k for k, v in got.items() if v == "[Filtered]"} == {*COOKIES, "PHPSESSID"}
    assert got["theme"] == "value"


def test_S058_a_cookie_header_in_one_text():
    item = {"data": {"http.request.header.cookie": "theme=dark,sessionid=abc,lang=de"}}
    got = scrub(item, "span", settings=ALL_ON)
    assert got["data"]["http.request.header.cookie"] == "theme=dark,sessionid=[Filtered],lang=de"


def test_S059_contexts():
    event = {"contexts": {"os": {"type": "os", "name": CARD, "password": "x"},
                          "biz": {"type": "biz", "note": CARD, "password": "x"},
                          "secret": {"type": "secret", "a": "b"}}}
    got = by_default(event)["contexts"]
    assert got["os"] == event["contexts"]["os"]
    assert got["biz"] == {"type": "biz", "note": "[Filtered]", "password": "[Filtered]"}
    assert got["secret"] is None


def test_S060_span_data():
    got = scrub({"data": {"x": CARD, "password": "x", "code.filepath": "src/author.py"}}, "span",
                settings=ALL_ON)
    assert got["data"] == {"x": "[Filtered]", "password": "[Filtered]",
                           "code.filepath": "src/author.py"}


def test_S061_texts_of_models_get_replacement_only():
    text = f"the password is {CARD}"
    got = by_default({"type": "transaction", "spans": [{"data": {"gen_ai.prompt": text}}]})
    assert got["spans"][0]["data"]["gen_ai.prompt"] == "the password is [creditcard]"


# --- items with attributes -----------------------------------------------------------

def log(**attributes):
    return {"body": "b", "attributes": {k.replace("__", "."): {"type": "string", "value": v}
                                        for k, v in attributes.items()}}


@pytest.mark.parametrize("form", ["log", "span_v2", "trace_metric"])
def test_S062_rules_need_value_and_defaults_use_the_name(form):
    item = log(my__field="127.0.0.1")
    assert scrub(item, form, rules=applied("@ip", to="attributes.'my.field'")) == item
    got = scrub(item, form, rules=applied("@ip", to="attributes.'my.field'.value"))
    assert got["attributes"]["my.field"]["value"] == "[ip]"
    assert note(got, "attributes", "my.field", "value")["rem"] == [["@ip", "s", 0, 4]]
    got = scrub(log(the__password="x"), form, settings=ALL_ON)
    assert got["attributes"]["the.password"] == {"type": "string", "value": "[Filtered]"}


def test_S063_a_sensitive_field_value_is_no_attribute_of_that_name():
    got = scrub(log(plain="x", my__value="y"), "log",
                settings={**DEFAULTS, "sensitiveFields": ["value"]})
    assert got["attributes"]["plain"]["value"] == "x"
    assert got["attributes"]["my.value"]["value"] == "[Filtered]"


def test_S064_attributes_of_the_table_that_never_change():
    item = log(sentry__release=CARD, user__name=CARD)
    got = scrub(item, "log", rules=applied("@creditcard", to="!a"), settings=ALL_ON)
    assert got["attributes"]["sentry.release"]["value"] == CARD
    assert got["attributes"]["user.name"]["value"] == "[creditcard]"


def test_S065_a_removed_value_keeps_its_type():
    item = {"attributes": {"password": {"type": "integer", "value": 5}}}
    got = scrub(item, "log", settings=ALL_ON)
    assert got["attributes"]["password"] == {"type": "integer", "value": None}
    assert note(got, "attributes", "password", "value")["rem"] == [["@password:filter", "x"]]


# --- order ---------------------------------------------------------------------------

GRAPHQL = {"request": {"api_target": "GraphQL", "data": {
    "query": "q", "variables": {"who": "127.0.0.1", "card": CARD}}}}


def test_S066_graphql_then_rules_then_defaults():
    got = scrub({"extra": {"x": f"card {CARD}"}}, rules=applied("@creditcard"), settings=ALL_ON)
    assert [r[0] for r in note(got, "extra", "x")["rem"]] == ["@creditcard"]
    got = scrub(GRAPHQL, rules=applied("@ip"), settings=ALL_ON)
    assert got["request"]["data"]["variables"] == {"who": "[Filtered]", "card": "[Filtered]"}
    assert "_meta" not in got or "variables" not in json.dumps(got["_meta"])


def test_S067_a_graphql_answer_without_variables_goes():
    answer = {"contexts": {"response": {"type": "response", "data": {"data": {"a": "b"}, "n": 1}}}}
    got = by_default({"request": {"api_target": "graphql", "data": {"query": "q"}}, **answer})
    assert got["contexts"]["response"]["data"] == {"n": 1}
    got = by_default({**GRAPHQL, "contexts": {"response": {"type": "response", "data": {
        "data": {"who": "me", "deep": {"card": "x", "other": "y"}}}}}})
    assert got["contexts"]["response"]["data"]["data"] == {
        "who": "[Filtered]", "deep": {"card": "[Filtered]", "other": "y"}}
