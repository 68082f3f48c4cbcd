"""The operator's Lua hooks in the real daemon."""

import pytest

import wire
from daemon import wait_until

SCRIPT = """
function before_send(event, hint)
  if event.message and event.message.formatted == "drop me" then return nil end
  if event.message and event.message.formatted == "fail" then error("no " .. event.message.formatted) end
  if event.message and event.message.formatted == "loop" then while true do end end
  event.tags = {seen = "yes", listener = hint.listener}
  return event
end
function before_send_transaction(event)
  table.remove(event.spans)
  return event
end
function before_breadcrumb(crumb)
  if crumb.category == "noise" then return nil end
  crumb.data = {kept = true}
  return crumb
end
function before_send_log(log)
  if log.body == "secret" then return nil end
  return log
end
"""


def hooked(make_daemon, sentry, script=SCRIPT, **keys):
    d = make_daemon(sentry, wait=None)
    path = d.dir / "hooks.lua"
    path.write_text(script)
    d.set("hooks", script=str(path), **keys)
    d.write_conf()
    d.start()
    return d


def message(text, **more):
    return wire.event(None, message={"formatted": text}, **more)


def test_an_event_is_changed_and_the_rest_of_it_is_not(make_daemon, sentry):
    d = hooked(make_daemon, sentry)
    eid = wire.new_id()
    payload = b'{"event_id":"%s","odd":1e400,"dup":1,"dup":2}' % eid.encode()
    d.send_ok(wire.build({"event_id": eid}, [({"type": "event"}, payload)]))
    got = sentry.wait_event(eid).envelope.items[0].payload
    assert got.startswith(payload[:-1] + b',"tags":{')
    assert b'"seen":"yes"' in got and b'"listener":"http"' in got
    assert d.metrics()["picket_hook_calls_total"] == 1


def test_nil_drops_and_is_reported_p032(make_daemon, sentry):
    d = hooked(make_daemon, sentry)
    assert d.send(message("drop me")).status == 200
    wait_until(lambda: d.dropped("before_send", "error") == 1)
    sentry.wait_for(lambda: sentry.discarded()["before_send", "error"] == 1, 20)
    assert not sentry.items("event")


@pytest.mark.parametrize("text", ["fail", "loop"])
def test_a_fault_of_the_script_drops_the_event_and_tells_the_line(make_daemon, sentry, text):
    d = hooked(make_daemon, sentry)
    assert d.send(message(text)).status == 200
    wait_until(lambda: d.dropped("before_send", "error") == 1)
    assert d.metrics()["picket_hook_errors_total"] == 1
    [line] = d.events("hook")
    assert "hooks.lua:4" in line["error"] if text == "fail" else "time_limit" in line["error"]
    d.send_ok(message("fine"))
    sentry.wait_for(lambda: sentry.items("event"))


def test_spans_that_are_taken_out_are_counted(make_daemon, sentry):
    d = hooked(make_daemon, sentry)
    d.send_ok(wire.transaction(spans=3))
    d.wait_empty()
    assert len(sentry.items("transaction")[0].json()["spans"]) == 2
    assert d.dropped("before_send", "span") == 1
    assert d.delivered("span") == 3


def test_breadcrumbs_are_seen_one_by_one(make_daemon, sentry):
    d = hooked(make_daemon, sentry)
    d.send_ok(message("x", breadcrumbs={"values": [
        {"category": "noise"}, {"category": "http", "message": "m"}, "odd"]}))
    d.wait_empty()
    got = sentry.items("event")[0].json()
    assert got["breadcrumbs"]["values"] == [
        {"category": "http", "message": "m", "data": {"kept": True}}, "odd"]
    assert got["_meta"]["breadcrumbs"][""]["len"] == 3


def test_logs_are_seen_one_by_one(make_daemon, sentry):
    d = hooked(make_daemon, sentry)
    d.send_ok(wire.logs(["a", "secret", "b"]))
    d.wait_empty()
    [item] = sentry.items("log")
    assert [e["body"] for e in item.json()["items"]] == ["a", "b"]
    assert item.headers["item_count"] == 2
    assert d.dropped("before_send", "log_item") == 1


def test_a_new_script_is_taken_at_reload_and_a_broken_one_is_not(make_daemon, sentry):
    d = hooked(make_daemon, sentry)
    path = d.dir / "hooks.lua"
    path.write_text("function before_send(event) event.tags = {version = '2'} return event end")
    d.reload()
    d.send_ok(message("one"))
    sentry.wait_for(lambda: sentry.items("event"))
    path.write_text("function before_send(event) return end end")
    d.process.send_signal(1)
    wait_until(lambda: d.events("reload_failed"))
    d.send_ok(message("two"))
    d.wait_empty()
    assert [i.json()["tags"] for i in sentry.items("event")] == [{"version": "2"}] * 2


def test_a_broken_script_refuses_the_start_and_names_its_line(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    path = d.dir / "hooks.lua"
    path.write_text("function before_send(event)\nreturn event +\nend\n")
    d.set("hooks", script=str(path))
    d.write_conf()
    d.start(wait=False)
    d.expect_dead = True
    assert d.wait_exit() == 78
    text = d.log_file.read_text()
    assert "hooks.script" in text and "hooks.lua:3" in text


def test_what_a_hook_adds_is_scrubbed(make_daemon, sentry):
    d = hooked(make_daemon, sentry, """
function before_send(event)
  event.extra = {password = "hunter2hunter2", note = "fine"}
  return event
end""")
    d.set("scrub", defaults="yes")
    d.write_conf()
    d.reload()
    d.send_ok(message("x"))
    d.wait_empty()
    got = sentry.items("event")[0].payload
    assert b"hunter2" not in got and b"fine" in got
