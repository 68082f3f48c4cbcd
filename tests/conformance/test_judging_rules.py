"""T24 to T28: what rules find, and what they say about themselves."""

import json
import subprocess

import pytest

from helpers import QUICK
from judging import dropped_by, event, exception, ids_of, kept
from settings import PICKET, PICKETD
from wire import KEY


def ruled(make_daemon, sentry, when, **more):
    return make_daemon(sentry, {**QUICK, "rule a": {"when": when, "then": "drop"}, **more})


def fates(d, sentry, *bodies):
    """True for each that arrives."""
    got = kept(d, sentry, bodies)
    return [ids_of(b) in got for b in bodies]


def test_T024_headers_match_in_any_case_and_both_forms(make_daemon, sentry):
    d = ruled(make_daemon, sentry, 'request.headers.User-Agent icontains "bot"')
    bodies = [event(request={"headers": h}) for h in (
        {"User-Agent": "a Bot"}, {"user-agent": "bot"}, [["USER-AGENT", "a bot"]],
        {"Accept": "bot"}, [["X-User-Agent", "bot"]])]
    assert fates(d, sentry, *bodies) == [False, False, False, True, True]


def test_T025_message_is_found_in_all_forms(make_daemon, sentry):
    d = ruled(make_daemon, sentry, 'message contains "needle"')
    forms = ({"message": "a needle"}, {"message": {"formatted": "a needle"}},
             {"message": None, "logentry": {"message": "a needle"}},
             {"message": None, "logentry": {"formatted": "a needle"}},
             {"message": None, "exception": exception(("E", "a needle"))},
             {"message": "hay", "extra": {"message": "needle"}})
    assert fates(d, sentry, *(event(**f) for f in forms)) == [False] * 5 + [True]


@pytest.mark.parametrize("expression, column", [("a(b", "22"), ("a**b[", "22"), ("\\\\p{Nope}", "22")])
def test_T026_a_bad_expression_is_refused_with_its_place(tmp_path, expression, column):
    conf = tmp_path / "r.conf"
    conf.write_text(f"[upstream]\ndsn = https://{KEY}@h/1\n[rule a]\n"
                    f'when = message matches "{expression}"\nthen = drop\n')
    for command in ([PICKETD, "--check", "-c"], [PICKET, "rules", "check"]):
        done = subprocess.run([*command, str(conf)], capture_output=True, text=True, timeout=60,
                              env={}, check=False)
        assert done.returncode == 78, done
        assert f"r.conf:4:" in done.stderr and "rule a.when" in done.stderr, done.stderr


def test_T026_a_hungry_expression_ends_and_is_false(make_daemon, sentry):
    """How long it takes is bounded by its steps, which are counted."""
    d = ruled(make_daemon, sentry, 'message matches "^(a+)+[bc]$"')
    assert fates(d, sentry, event(message="a" * 65536)) == [True]
    assert any(v >= 1 for k, v in d.metrics().items() if "rule" in k and "error" in k)


def test_T027_a_dry_run_tells_the_rule_and_the_change_and_sends_nothing(tmp_path):
    (tmp_path / "case.json").write_text(json.dumps({
        "rules": '[rule tagged]\nwhen = level = "error"\nthen = tag a = "b"\n'
                 '[rule quiet]\nwhen = level = "debug"\nthen = drop\n',
        "input": {"level": "error"}, "expect": {"level": "error", "tags": {"a": "b"}}}))
    done = subprocess.run([PICKET, "rules", "test", "--explain", "case.json"], cwd=tmp_path, env={},
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    assert "tagged" in done.stdout and "quiet" not in done.stdout
    assert "tags" in done.stdout and '"b"' in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.json"]


def test_T028_the_type_is_that_of_the_last_exception(make_daemon, sentry):
    d = ruled(make_daemon, sentry, 'exception.type = "A"')
    raised, cause = (event(exception=exception(*chain))
                     for chain in ((("B", "x"), ("A", "y")), (("A", "x"), ("B", "y"))))
    assert fates(d, sentry, raised, cause) == [False, True]
    assert dropped_by(d, ids_of(raised)) == ("before_send", "rule a")


def test_T028_any_looks_at_all_exceptions(make_daemon, sentry):
    d = ruled(make_daemon, sentry, 'any(exception.values[*].type) = "A"')
    chains = ((("B", "x"), ("A", "y")), (("A", "x"), ("B", "y")), (("B", "x"), ("C", "y")))
    assert fates(d, sentry, *(event(exception=exception(*c)) for c in chains)) == \
        [False, False, True]
