"""P-032 and P-068: what is filtered is answered 200, and what stays of a container
fits."""

import random

import pytest

import wire
from daemon import wait_until
from helpers import QUICK, arrived, post_ok


def entries(kind, n, seed):
    """Log or metric entries, each of a trace of its own."""
    rng = random.Random(seed)
    out = []
    for k in range(n):
        e = {"timestamp": 1767225600.5, "trace_id": f"{rng.getrandbits(128):032x}",
             "attributes": {}}
        e.update({"level": "info", "body": str(k)} if kind == "log" else
                 {"name": str(k), "type": "gauge", "value": 1})
        out.append(e)
    return out


def container(kind, items):
    return ({"type": kind, "item_count": len(items),
             "content_type": wire.LOG_TYPE if kind == "log" else wire.METRIC_TYPE},
            wire.compact({"items": items}))


@pytest.mark.parametrize("key,value,more", [
    ("errors", "ValueError", {"exception": {"values": [{"type": "ValueError", "value": "x"}]}}),
    ("loggers", "noisy", {"logger": "noisy"}), ("releases", "app@0.1", {"release": "app@0.1"})])
def test_P032_what_is_ignored_is_200_with_its_id(make_daemon, sentry, key, value, more):
    d = make_daemon(sentry, {**QUICK, "ignore": {key: value}})
    gone, stays = wire.new_id(), wire.new_id()
    assert post_ok(d, wire.event(gone, **more)).json() == {"id": gone}
    assert post_ok(d, wire.event(stays)).json() == {"id": stays}
    sentry.wait_event(stays)
    wait_until(lambda: dropped(d, "error") == 1, what="the count")
    d.wait_empty()
    assert gone not in sentry.event_ids()


RULES = {"rule debug": {"on": "event", "when": 'level = "debug"', "then": "drop"},
         "rule noise": {"on": "log", "when": 'body contains "noise"', "then": "drop"}}


HOOKS = """
function before_send(event, hint)
  if event.level == "debug" then return nil end
  return event
end
function before_send_log(log, hint)
  if log.body:find("noise") then return nil end
  return log
end
"""


@pytest.fixture(params=["rules", "hooks"])
def filtering(request, make_daemon, sentry, tmp_path):
    """A daemon that drops debug events and noisy logs."""
    if request.param == "rules":
        return make_daemon(sentry, {**QUICK, **RULES})
    script = tmp_path / "hooks.lua"
    script.write_text(HOOKS)
    return make_daemon(sentry, {**QUICK, "hooks": {"script": str(script)}})


def dropped(d, category):
    """For whatever reason."""
    return sum(by.get(category, 0) for by in d.totals()["dropped"].values())


def test_P032_what_a_rule_or_hook_drops_is_200_with_its_id(filtering, sentry):
    gone, stays = wire.new_id(), wire.new_id()
    assert post_ok(filtering, wire.event(gone, level="debug")).json() == {"id": gone}
    assert post_ok(filtering, wire.event(stays)).json() == {"id": stays}
    sentry.wait_event(stays)
    wait_until(lambda: dropped(filtering, "error") == 1, what="the count")
    filtering.wait_empty()
    assert gone not in sentry.event_ids()


@pytest.mark.parametrize("bodies", [["a", "noise 1", "b", "noise 2", "c"], ["noise"] * 4 + ["z"],
                                    ["noise"] * 3])
def test_P068_what_filtering_leaves_of_a_container_fits(filtering, sentry, bodies):
    mark = wire.new_id()
    payload = wire.logs_payload(bodies)
    head = {"type": "log", "item_count": len(bodies), "content_type": wire.LOG_TYPE}
    post_ok(filtering, wire.build({}, [(head, payload),
                                    ({"type": "session"}, wire.compact({"sid": mark}))]))
    arrived(sentry, mark)
    filtering.wait_empty()
    left = [b for b in bodies if "noise" not in b]
    assert [e["body"] for i in sentry.items("log") for e in i.json()["items"]] == left
    assert [i.headers["item_count"] for i in sentry.items("log")] == ([len(left)] if left else [])
    assert dropped(filtering, "log_item") == len(bodies) - len(left)


@pytest.mark.parametrize("kind,key,category", [("log", "logs", "log_item"),
                                               ("trace_metric", "metrics", "trace_metric")])
def test_P068_what_stays_of_a_container_fits(make_daemon, sentry, kind, key, category):
    d = make_daemon(sentry, {**QUICK, "sampling": {key: "0.5"}})
    post_ok(d, wire.build({}, [container(kind, entries(kind, 40, 68))]))
    item = arrived(sentry, f'"type":"{kind}"').envelope.of_type(kind)[0]
    d.wait_empty()
    left = len(item.json()["items"])  # the fake Sentry has checked the length
    assert 0 < left < 40
    assert item.headers["item_count"] == left == d.delivered(category)
    assert d.dropped("sample_rate", category) == 40 - left


@pytest.mark.parametrize("kind,key,category", [("log", "logs", "log_item"),
                                               ("trace_metric", "metrics", "trace_metric")])
def test_P068_a_container_without_entries_is_no_item(make_daemon, sentry, kind, key, category):
    d = make_daemon(sentry, {**QUICK, "sampling": {key: "0"}})
    mark = wire.new_id()
    lone = container(kind, entries(kind, 3, 1))
    post_ok(d, wire.build({}, [lone]))
    post_ok(d, wire.build({}, [lone, ({"type": "session"}, wire.compact({"sid": mark}))]))
    got = arrived(sentry, mark)
    wait_until(lambda: d.dropped("sample_rate", category) == 6, what="the count")
    d.wait_empty()
    assert [t for t in got.envelope.types() if t != "client_report"] == ["session"]
    assert not sentry.items(kind)
