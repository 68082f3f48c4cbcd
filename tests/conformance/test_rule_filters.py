"""T23: the filters of examples/rules, each with its cases."""

import json
import re
import subprocess

import pytest

import wire
from helpers import QUICK, post_ok
from judging import dropped_by, event, exception, ids_of, kept, passed, transaction
from settings import PICKET, ROOT

EXAMPLES = ROOT / "examples" / "rules"
FILTERS = sorted(EXAMPLES.glob("*.conf"))
CASES = sorted(EXAMPLES.glob("*.json"))


def picket(*args):
    return subprocess.run([PICKET, "rules", *args], env={}, capture_output=True, text=True,
                          timeout=120, check=False)


def test_T023_there_are_57_filters_with_cases_and_a_line_in_the_index():
    assert [f.name[:2] for f in FILTERS] == [f"{n:02d}" for n in range(1, 58)]
    index = (EXAMPLES / "README.md").read_text()
    assert re.findall(r"\]\((\d\d-[^)]*)\)", index) == [f.name for f in FILTERS]
    assert {c.name[:2] for c in CASES} == {f.name[:2] for f in FILTERS}


@pytest.mark.parametrize("path", FILTERS, ids=lambda p: p.stem)
def test_T023_a_filter_is_well_formed_and_explained(path):
    done = picket("check", str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_text().startswith("# ") and "# Adapt: " in path.read_text()


@pytest.mark.parametrize("number", range(1, 58))
def test_T023_a_filter_acts_and_leaves_alone(number):
    files = [c for c in CASES if c.name.startswith(f"{number:02d}-")]
    done = picket("test", *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr
    names = [c["name"] for f in files for c in json.loads(f.read_text())["cases"]]
    assert {n.split(":")[0] for n in names} == {"hit", "miss"}, names


def filtering(make_daemon, sentry, *numbers, env=None):
    """The daemon with the files of these filters, as they are, in its conf.d."""
    d = make_daemon(sentry, QUICK, wait=None, env=env)
    with open(d.conf_file, "a", encoding="utf-8") as conf:
        for n in numbers:
            conf.write("\n" + FILTERS[n - 1].read_text())
    d.start()
    return d


def test_T023_several_filters_work_together_in_the_daemon(make_daemon, sentry):
    d = filtering(make_daemon, sentry, 3, 12, 38, 43, 45, 54)
    gone = event(exception=exception(("HandshakeError", "Header HTTP_UPGRADE is not defined")))
    monitor = transaction(request={"headers": {"x-clevercloud-monitoring": "1"}})
    assert kept(d, sentry, [gone, monitor]) == {}
    assert dropped_by(d, ids_of(gone)) == ("before_send", "rule scanners")
    got = passed(d, sentry, event(
        exception=exception(("ServiceException", "[EVSS502] gone")),
        user={"id": "7", "email": "a@b.example"},
        breadcrumbs={"values": [{"category": "console"}, {"category": "http"}]}))
    assert got["fingerprint"] == ["{{ default }}", "EVSS502"] and got["user"] == {"id": "7"}
    assert got["breadcrumbs"]["values"] == [{"category": "http"}]


def test_T023_a_kill_switch_holds_back_every_kind(make_daemon, sentry):
    d = filtering(make_daemon, sentry, 41, env={"REPORTING": "off"})
    for body in (event(), transaction(), wire.session(), wire.check_in(), wire.logs(["a"])):
        post_ok(d, body)
    d.wait_empty()
    sentry.wait_for(lambda: sentry.discarded()["before_send", "log_item"] == 1)
    assert {t for e in sentry.envelopes() for t in e.types()} <= {"client_report"}


def test_T023_no_address_hides_behind_a_long_text(make_daemon, sentry):
    """Filter 23 masks what an expression sees; it sees 64 KiB."""
    d = filtering(make_daemon, sentry, 23)
    got = passed(d, sentry, event(message="x" * 66000 + " a@b.example"))
    assert "a@b.example" not in json.dumps(got)


def test_T023_rates_follow_a_file_without_a_restart(make_daemon, sentry, tmp_path):
    """Filter 57, with a file as it says."""
    rate = tmp_path / "errors"
    rate.write_text("0\n")
    d = make_daemon(sentry, {**QUICK, "sampling": {"errors": f"${{file:{rate}}}"}})
    assert kept(d, sentry, [event()]) == {}
    rate.write_text("1\n")
    d.reload()
    body = event()
    assert set(kept(d, sentry, [body])) == {ids_of(body)}
