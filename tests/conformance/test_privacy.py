"""What a daemon takes out for the applications beside it: T47 to T55."""

import json

import pytest

import wire
from daemon import Daemon
from fake_sentry import FakeSentry
from helpers import arrived, post_ok

ON = {"defaults": None, "deep": None, "ip_addresses": None}


class Scrubbing:
    """A daemon that scrubs; send_default_pii as given."""

    def __init__(self, **event):
        self.sentry = FakeSentry()
        self.d = Daemon(self.sentry, {"scrub": ON, "event": event})

    def item(self, payload, mark, **headers):
        """What arrives of one item that holds this mark."""
        head = {"type": "event", **headers}
        post_ok(self.d, wire.build({"event_id": wire.new_id()}, [(head, json.dumps(payload).encode())]))
        got = arrived(self.sentry, mark)
        return next(i for i in got.envelope.items if mark.encode() in i.payload).json()

    def event(self, **members):
        mark = wire.new_id()
        return self.item({"event_id": mark, **members}, mark)

    def close(self):
        try:
            self.d.check_conservation()
        finally:
            self.d.destroy()
            self.sentry.close()


@pytest.fixture(scope="module")
def daemons():
    made = {"no": Scrubbing(send_default_pii="no"), "as-sent": Scrubbing()}
    yield made
    for s in made.values():
        s.close()


HEADERS = ["Set-Cookie", "Cookie", "Authorization", "Proxy-Authorization", "X-Api-Key",
           "X-Forwarded-For", "X-Real-IP"]


def request():
    return {"cookies": {"theme": "dark"}, "env": {"REMOTE_ADDR": "host-a", "SERVER_PORT": "80"},
            "headers": [[name, "v"] for name in [*HEADERS, "Accept"]]}


def remarks(event, *path):
    at = event["_meta"]
    for step in path:
        at = at[step]
    return at[""]["rem"]


def test_T047_what_no_takes_out(daemons):
    got = daemons["no"].event(user={"ip_address": "192.0.2.1", "id": "7"}, request=request())
    assert got["user"] == {"ip_address": None, "id": "7"}
    assert got["request"]["cookies"] is None
    assert got["request"]["env"] == {"REMOTE_ADDR": None, "SERVER_PORT": "80"}
    assert got["request"]["headers"] == [[name, ""] for name in HEADERS] + [["Accept", "v"]]
    for path in [("user", "ip_address"), ("request", "cookies"), ("request", "env", "REMOTE_ADDR"),
                 *[("request", "headers", str(i), "1") for i in range(len(HEADERS))]]:
        assert remarks(got, *path) == [["!config", "x"]], path


def test_T048_what_stays_without_it(daemons):
    got = daemons["as-sent"].event(user={"ip_address": "not-an-address"}, request={
        **request(), "headers": [["X-Real-Ip", "v"], ["Authorization", "v"], ["Accept", "v"]]})
    assert got["request"]["cookies"] == {"theme": "dark"}
    assert got["request"]["headers"] == [["X-Real-Ip", "v"], ["Authorization", "[Filtered]"],
                                         ["Accept", "v"]]


@pytest.fixture(scope="module")
def open_daemon():
    """Neither the option nor address scrubbing."""
    s = Scrubbing()
    s.d.set("scrub", ip_addresses="no")
    s.d.write_conf()
    s.d.reload()
    yield s
    s.close()


def test_T048_addresses_stay_where_they_are_allowed(open_daemon):
    got = open_daemon.event(user={"ip_address": "192.0.2.1"}, request={
        "env": {"REMOTE_ADDR": "192.0.2.1"}, "headers": [["X-Real-IP", "192.0.2.1"],
                                                         ["Authorization", "v"]]})
    assert got["user"] == {"ip_address": "192.0.2.1"}
    assert got["request"] == {"env": {"REMOTE_ADDR": "192.0.2.1"},
                              "headers": [["X-Real-IP", "192.0.2.1"],
                                          ["Authorization", "[Filtered]"]]}


def test_T049_auto(daemons, open_daemon):
    assert daemons["no"].event(user={"ip_address": "{{auto}}"})["user"] == {"ip_address": None}
    assert open_daemon.event(user={"ip_address": "{{auto}}"})["user"] == {"ip_address": "{{auto}}"}


def test_T050_an_email_that_was_set_stays(daemons):
    user = {"email": "jane@example.com", "username": "jane"}
    for s in daemons.values():
        assert s.event(user=user)["user"] == user


def test_T051_an_api_key_in_all_spellings(daemons):
    names = ["X-Api-Key", "x_api_key", "X-API-KEY", "x-api-key", "X Api Key"]
    got = daemons["as-sent"].event(request={"headers": [[n, "v"] for n in names]},
                                   extra={n: "v" for n in names}, tags={n: "v" for n in names})
    assert got["request"]["headers"] == [[n, "[Filtered]"] for n in names]
    assert got["extra"] == got["tags"] == {n: "[Filtered]" for n in names}


def test_T052_what_is_sensitive_and_what_only_looks_so(daemons):
    sensitive = {"user_password": "v", "auth_token": "v", "db.password": "v"}
    harmless = {"author": "v", "token_count": "v", "sessions_total": "v"}
    # Where Sentry's own defaults do not reach: these take "author" (S-025).
    got = daemons["as-sent"].event(tags={**sensitive, **harmless})
    assert got["tags"] == {**dict.fromkeys(sensitive, "[Filtered]"), **harmless}
    got = daemons["as-sent"].event(extra={**sensitive, "sessions_total": "v"})
    assert got["extra"] == {**dict.fromkeys(sensitive, "[Filtered]"), "sessions_total": "v"}


def test_T053_deep_places(daemons):
    s = daemons["as-sent"]
    got = s.event(extra={"list": [{"a": {"user_password": "v"}}]},
                  contexts={"runtime": {"type": "runtime", "auth_token": "v"}},
                  tags=[["auth_token", "v"]],
                  spans=[{"tags": {"auth_token": "v"}, "data": {"db.password": "v"}}])
    assert got["extra"]["list"] == [{"a": {"user_password": "[Filtered]"}}]
    assert got["contexts"]["runtime"]["auth_token"] == "[Filtered]"
    assert got["tags"] == [["auth_token", "[Filtered]"]]
    assert got["spans"][0] == {"tags": {"auth_token": "[Filtered]"},
                               "data": {"db.password": "[Filtered]"}}
    mark = wire.new_id()
    got = s.item({"items": [{"timestamp": 1, "level": "info", "body": mark, "trace_id": "a" * 32,
                             "attributes": {"auth_token": {"type": "string", "value": "v"}}}]},
                 mark, type="log", content_type=wire.LOG_TYPE, item_count=1)
    assert got["items"][0]["attributes"]["auth_token"]["value"] == "[Filtered]"


def test_T054_queries_wherever_they_stand(daemons):
    query = "page=2&access_token=SECRET&x=y"
    url = "https://example.com/a?" + query
    got = daemons["as-sent"].event(
        request={"url": url, "query_string": query},
        breadcrumbs={"values": [{"type": "http", "data": {"url": url}}]},
        spans=[{"op": "http.client", "description": "GET " + url, "data": {"http.query": query,
                                                                          "url": url}}])
    assert "SECRET" not in json.dumps(got)
    assert got["request"]["query_string"] == "page=2&access_token=[Filtered]&x=y"
    assert got["request"]["url"] == "https://example.com/a?page=2&access_token=[Filtered]&x=y"
    assert got["spans"][0]["description"].startswith("GET https://example.com/a?page=2&")


@pytest.mark.parametrize("body, want", [
    ('{"a": {"password": "SECRET", "n": 1}}', {"a": {"password": "[Filtered]", "n": 1}}),
    ('[{"token":"SECRET"},{"b":"c"}]', [{"token": "[Filtered]"}, {"b": "c"}]),
    ("user=a&password=SECRET&b=c", "user=a&password=[Filtered]&b=c"),
])
def test_T055_bodies_as_text(daemons, body, want):
    got = daemons["as-sent"].event(request={"data": body})["request"]["data"]
    assert isinstance(got, str)
    assert (json.loads(got) if body[0] in "[{" else got) == want
