"""T3, T43 and T100 where events are odd: deep ones, spellings that no parser would
give back, and where they come from."""

import os
import re

import pytest

import wire
from helpers import AUTH, PATH, QUICK, post_ok
from judging import ids_of, kept, payload_of

# Numbers no double holds, escapes no writer chooses, keys that come twice, half of a
# pair of surrogates, blanks anywhere.
ODD = (b'{ "n" : 1e400, "big":123456789012345678901234567890,"zero": -0.0,"e":1E+2,'
       b'"s":"\\ud800 \\u0041\\/\\u00e9 \xc3\xa9", "twice":1,"twice" : [ ] ,'
       b'"extra":{"a" : 1.50,"a":1.5,"drop":"it", "\\u006b":"\\n\\u000a"},\t"tags":{ },'
       b'"dup":{"x":null,"x":{"y":[1 ,2]}} ,"last":"\\uDC00" }')

CHANGES = {
    "delete": ("delete extra.drop", lambda t: t.replace(b'"drop":"it",', b"")),
    "set": ('set extra.drop = "no"', lambda t: t.replace(b'"drop":"it"', b'"drop":"no"')),
    "add": ('set tags.a = "b"', lambda t: t.replace(b'"tags":{ }', b'"tags":{"a":"b" }')),
}


def odd(eid):
    return b'{"event_id":"' + eid.encode() + b'",' + ODD[1:]


@pytest.mark.parametrize("change", CHANGES)
def test_T100_an_event_changed_in_one_field_keeps_every_other_byte(make_daemon, sentry, change):
    action, as_bytes = CHANGES[change]
    d = make_daemon(sentry, {**QUICK, "rule a": {"then": action}})
    eid = wire.new_id()
    post_ok(d, wire.build({"event_id": eid}, [({"type": "event"}, odd(eid))]))
    sentry.wait_event(eid)
    (item,) = sentry.items("event")
    assert item.payload == as_bytes(odd(eid)) != odd(eid)
    assert item.headers["length"] == len(item.payload)


def deep(levels, inner=b'"end"'):
    eid = wire.new_id()
    nested = b'{"a":' * levels + inner + b"}" * levels
    text = b'{"event_id":"' + eid.encode() + b'","level":"error","extra":' + nested + b"}"
    return wire.build({"event_id": eid}, [({"type": "event"}, text)])


def test_T003_an_event_2000_deep_is_judged_like_any_other(make_daemon, sentry):
    """By what rules can reach; everything else that judges copes too."""
    d = make_daemon(sentry, {
        **QUICK, "event": {"max_depth": "5", "max_value_length": "100", "strip_locals": "yes"},
        "rule a": {"when": 'any(extra.**) = "never"', "then": "drop"},
        "rule b": {"when": 'level = "error"', "then": 'tag seen = "yes"'}})
    body, after = deep(2000), wire.event()
    got = kept(d, sentry, [body, after])
    assert set(got) == {ids_of(body), ids_of(after)}
    assert payload_of(got[ids_of(body)])["tags"] == {"seen": "yes"}


def test_T043_a_cluster_tells_pod_node_and_container(make_daemon, sentry):
    """The container is that of the client, which a Unix socket names."""
    d = make_daemon(sentry, {**QUICK, "event": {"kubernetes": "yes"}},
                    env={"POD_NAME": "web-1", "POD_NAMESPACE": "shop", "NODE_NAME": "n3"})
    own, bare = wire.event(server_name="own", tags={"k8s.pod": "own"}), wire.event()
    for body in (own, bare):
        post_ok(d, body, (AUTH,), PATH, over="unix")
    d.wait_empty()
    events = {e["event_id"]: e for e in (i.json() for i in sentry.items("event"))}
    got = events[ids_of(bare)]
    assert got["server_name"] == got["tags"]["k8s.node"] == "n3"
    assert (got["tags"]["k8s.pod"], got["tags"]["k8s.namespace"]) == ("web-1", "shop")
    with open(f"/proc/{os.getpid()}/cgroup", encoding="ascii") as f:
        container = re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", f.read())
    assert got["tags"].get("container.id") == (container[-1] if container else None)
    got = events[ids_of(own)]
    assert (got["server_name"], got["tags"]["k8s.pod"]) == ("own", "own")
