"""The picket command against a running daemon."""

import json
import os

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer

VERBS = [("send",), ("envelope",), ("status",), ("why",), ("hold",), ("release",), ("drain",),
         ("reload",), ("spool",), ("spool", "ls"), ("spool", "show"), ("spool", "purge"),
         ("dead",), ("dead", "ls"), ("dead", "show"), ("healthcheck",)]
USAGE, DATA, NOINPUT, UNAVAILABLE, CONFIG = 64, 65, 66, 69, 78


def ok(done):
    assert done.returncode == 0, done
    return done.stdout.decode()


def rows(text):
    """--json output: one value, or one value a line."""
    try:
        value = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]
    if isinstance(value, list):
        return value
    for key in ("records", "items", "dead", "letters", "envelopes"):
        if isinstance(value.get(key), list):
            return value[key]
    return [value]


@pytest.mark.parametrize("verb", VERBS, ids="-".join)
def test_every_verb_has_help(picketd, verb):
    text = ok(picketd.cli(*verb, "--help"))
    assert "usage" in text.lower() and verb[-1] in text
    assert "\x1b" not in text, "colour only on a terminal"
    assert all(len(line) <= 100 for line in text.splitlines())


def test_help_lists_every_verb(picketd):
    text = ok(picketd.cli("--help"))
    for verb in VERBS:
        assert verb[0] in text
    assert ok(picketd.cli("--version")).startswith("picket ")


@pytest.mark.parametrize("args", [(), ("nonsense",), ("status", "--nonsense"), ("why",),
                                  ("spool", "nonsense"), ("status", "surplus"), ("spool",),
                                  ("dead", "show")])
def test_a_wrong_command_line_is_64(picketd, args):
    done = picketd.cli(*args)
    assert done.returncode == USAGE, done
    assert done.stderr and not done.stdout


def test_send_sends_an_event(picketd, sentry):
    out = ok(picketd.cli("send", "it broke"))
    sentry.wait_for(lambda: sentry.items("event"))
    env = sentry.envelopes()[0]
    assert env.event_id in out
    body = env.items[0].json()
    assert "it broke" in json.dumps(body)
    assert body["platform"] and body["level"] in ("error", "info")
    assert sentry.accepted()[0].auth["client"].startswith("picket")


def test_send_speaks_json(picketd, sentry):
    out = json.loads(ok(picketd.cli("send", "--json", "it broke")))
    sentry.wait_event(out.get("id") or out.get("event_id"))


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from texts(v)
    elif isinstance(value, list):
        for v in value:
            yield from texts(v)


def test_send_survives_odd_text(picketd, sentry):
    text = 'quote " back \\ tab \t ünï \U0001f4a5 ' + "x" * 3000
    ok(picketd.cli("send", text))
    sentry.wait_for(lambda: sentry.items("event"))
    assert text in set(texts(sentry.items("event")[0].json()))


def test_envelope_from_stdin_and_file(picketd, sentry, tmp_path):
    a, b = wire.new_id(), wire.new_id()
    path = tmp_path / "e.envelope"
    path.write_bytes(wire.event(a))
    assert a in ok(picketd.cli("envelope", str(path)))
    assert b in ok(picketd.cli("envelope", "-", stdin=wire.event(b)))
    sentry.wait_events([a, b])
    assert sentry.wait_event(a).envelope.items[0].payload == wire.event_payload(a)


def test_envelope_that_is_malformed_is_65(picketd, tmp_path):
    path = tmp_path / "e"
    path.write_bytes(b"nonsense")
    done = picketd.cli("envelope", str(path))
    assert done.returncode == DATA, done
    done = picketd.cli("envelope", str(tmp_path / "missing"))
    assert done.returncode == NOINPUT, done


def test_status_for_people_and_programs(picketd, sentry):
    sentry.down()
    picketd.send_event()
    text = ok(picketd.cli("status"))
    assert "error" in text and "\x1b" not in text
    value = json.loads(ok(picketd.cli("status", "--json")))
    assert value["totals"]["held"] == {"error": 1}
    assert value["spool"]["records"] == 1


def test_the_file_may_be_named_in_place_of_the_environment(picketd):
    env = {"PICKET_CONFIG": ""}
    for args in (("-c", str(picketd.conf_file), "status"),
                 ("status", "-c", str(picketd.conf_file))):
        done = picketd.cli(*args, env=env)
        assert done.returncode == 0, done


def test_why_tells_an_events_life(picketd, sentry):
    sentry.script(Answer(503), times=2)
    eid = picketd.send_event()
    sentry.wait_event(eid)
    picketd.wait_empty()
    text = ok(picketd.cli("why", eid))
    assert "delivered" in text
    value = ok(picketd.cli("why", "--json", eid))
    assert rows(value)
    assert "delivered" in value
    dashed = f"{eid[:8]}-{eid[8:12]}-{eid[12:16]}-{eid[16:20]}-{eid[20:]}".upper()
    assert "delivered" in ok(picketd.cli("why", dashed))


def test_why_of_a_waiting_and_of_a_refused_event(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    sentry.script(Answer(405), times=1)
    gone = d.send_event()
    d.wait_empty()
    text = ok(d.cli("why", gone))
    assert "405" in text
    sentry.down()
    waiting = d.send_event()
    assert ok(d.cli("why", waiting))
    d.kill9()
    d.start()
    assert "405" in ok(d.cli("why", gone)), "known after a restart"


def test_why_tells_where_something_was_scrubbed_and_never_what(make_daemon, sentry):
    d = make_daemon(sentry, {"scrub": {"defaults": None}})
    eid = wire.new_id()
    d.send_ok(wire.event(
        eid, extra={"password": "hunter2", "4571234567890111": {"secret": "x"}}))
    sentry.wait_event(eid)
    text = ok(d.cli("why", eid))
    assert ", scrubbed extra.password, extra.*.secret" in text
    assert '"scrubbed":"extra.password, extra.*.secret"' in \
        ok(d.cli("why", "--json", eid)).replace('": "', '":"')
    assert "hunter2" not in text and "4571234567890111" not in text


def test_why_of_an_unknown_event_says_so(picketd):
    done = picketd.cli("why", wire.new_id())
    assert done.returncode not in (0, USAGE)
    done = picketd.cli("why", "nonsense")
    assert done.returncode in (USAGE, DATA)


def test_hold_and_release(picketd, sentry):
    ok(picketd.cli("hold"))
    assert picketd.status()["held"] is True
    eid = picketd.send_event()
    assert picketd.ready() == 200
    assert picketd.held("error") == 1 and sentry.requests == []
    ok(picketd.cli("release"))
    sentry.wait_event(eid)
    assert picketd.status()["held"] is False


def test_a_hold_outlives_a_restart_and_the_log_says_so(picketd, sentry):
    ok(picketd.cli("hold"))
    eid = picketd.send_event()
    picketd.restart()
    assert picketd.status()["held"] is True
    assert [e for e in picketd.events("held") if e["level"] == "warn" and "release" in e["remedy"]]
    assert "sending on hold" in ok(picketd.cli("status"))
    assert picketd.held("error") == 1 and sentry.requests == []
    ok(picketd.cli("release"))
    sentry.wait_event(eid)
    picketd.restart()
    assert picketd.status()["held"] is False and not picketd.events("held")


def test_drain_waits_until_all_is_delivered(picketd, sentry):
    sentry.script(Answer(503), times=2)
    ids = [picketd.send_event() for _ in range(5)]
    ok(picketd.cli("drain", timeout=60))
    assert set(ids) <= set(sentry.event_ids())
    assert picketd.status()["spool"]["records"] == 0


def test_reload_takes_new_settings_and_tells_of_bad_ones(picketd, make_sentry, sentry):
    other = make_sentry(key="2" * 32, project="9")
    picketd.set("upstream", dsn=other.dsn)
    picketd.write_conf()
    ok(picketd.cli("reload"))
    other.wait_event(picketd.send_event())
    picketd.set("retry", min="potato")
    picketd.write_conf()
    # The command reads the same file to find the socket; it must still find it.
    done = picketd.cli("reload")
    assert done.returncode != 0
    assert b"potato" in done.stderr
    other.wait_event(picketd.send_event())


def test_spool_ls_and_show(picketd, sentry):
    sentry.down()
    eid = wire.new_id()
    body = wire.build({"event_id": eid}, [({"type": "event"}, wire.event_payload(eid)),
                                          ({"type": "attachment"}, b"\x00\x01binary")])
    picketd.send_ok(body)
    picketd.send_ok(wire.session())
    text = ok(picketd.cli("spool", "ls"))
    assert eid in text
    listed = rows(ok(picketd.cli("spool", "ls", "--json")))
    assert len(listed) == 2
    row = next(r for r in listed if eid in json.dumps(r))
    assert eid in ok(picketd.cli("spool", "show", str(row["seq"])))
    shown = picketd.cli("spool", "show", "--raw", str(row["seq"]))
    assert shown.returncode == 0, shown
    assert wire.event_payload(eid) in shown.stdout and b"\x00\x01binary" in shown.stdout
    assert picketd.cli("spool", "show", "999999999").returncode not in (0, USAGE)


def test_spool_purge_counts_what_it_throws_away(picketd, sentry):
    sentry.down()
    for _ in range(3):
        picketd.send_event()
    picketd.send_ok(wire.session())
    assert picketd.cli("spool", "purge").returncode == USAGE, "what to purge must be said"
    ok(picketd.cli("spool", "purge", "--class", "check_in"))
    assert picketd.held("session") == 0 and picketd.held("error") == 3
    ok(picketd.cli("spool", "purge", "--all"))
    assert picketd.status()["spool"]["records"] == 0
    dropped = picketd.totals()["dropped"]
    assert sum(by.get("error", 0) for by in dropped.values()) == 3
    sentry.up()
    last = picketd.send_event()
    sentry.wait_event(last)
    assert len(sentry.items("event")) == 1


def test_dead_ls_and_show(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    assert rows(ok(d.cli("dead", "ls", "--json")) or "[]") == []
    sentry.script(Answer(405), times=1)
    eid = d.send_event()
    d.wait_empty()
    assert eid in ok(d.cli("dead", "ls"))
    listed = rows(ok(d.cli("dead", "ls", "--json")))
    assert len(listed) == 1 and "405" in json.dumps(listed)
    assert "405" in ok(d.cli("dead", "show", str(listed[0]["seq"])))
    shown = d.cli("dead", "show", "--raw", str(listed[0]["seq"]))
    assert shown.returncode == 0, shown
    assert wire.event_payload(eid) in shown.stdout


def test_dead_letters_are_bounded(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"},
                             "spool": {"dead_letters": "100K"}})
    sentry.script(Answer(405))
    for _ in range(12):
        d.send_ok(wire.event(pad=os.urandom(10000).hex()))
        d.wait_empty()
    dead = d.status()["spool"]["dead"]
    assert 0 < dead["records"] < 12 and dead["bytes"] <= 100 * 1024
    d.set("spool", dead_letters="0")
    d.reload()
    d.send_event()
    d.wait_empty()
    wait_until(lambda: d.status()["spool"]["dead"]["records"] == 0, 10, "none kept")


def test_healthcheck(picketd):
    ok(picketd.cli("healthcheck"))
    picketd.kill9()
    done = picketd.cli("healthcheck")
    assert done.returncode not in (0, USAGE)


@pytest.mark.parametrize("args", [("status",), ("send", "x"), ("hold",), ("why", "0" * 32),
                                  ("spool", "ls"), ("drain",)])
def test_without_a_daemon_it_is_69_and_a_sentence(picketd, args):
    picketd.kill9()
    done = picketd.cli(*args)
    assert done.returncode == UNAVAILABLE, done
    assert done.stderr.count(b"\n") <= 3 and b"sock" in done.stderr


def test_a_bad_file_is_78(picketd):
    bad = picketd.dir / "bad.conf"
    bad.write_text("[spol]\nx = 1\n")
    done = picketd.cli("status", env={"PICKET_CONFIG": str(bad)})
    assert done.returncode == CONFIG, done
    assert b"bad.conf:1" in done.stderr


def test_the_control_socket_outlives_garbage(picketd):
    for data in (b"garbage\n", b"{}\n", b'{"cmd":5}\n', b'{"cmd":"nonsense"}\n', b"\x00" * 5000,
                 b'{"cmd":' + b"[" * 100000, b"x" * (3 << 20)):
        with client.connect(picketd.control) as s:
            try:
                s.sendall(data)
                s.shutdown(1)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    ok(picketd.cli("status"))
