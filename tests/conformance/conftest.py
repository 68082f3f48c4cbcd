"""Fixtures of the black-box tests next door, daemons shared by a module, and the
lines at the end that say how many statements hold."""

import collections
import importlib.util
import os
import re
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
NEXT_DOOR = os.path.join(os.path.dirname(HERE), "integration")
sys.path.insert(0, HERE)
sys.path.append(NEXT_DOOR)

import fake_sentry  # noqa: E402
import helpers  # noqa: E402
import tables  # noqa: E402
from daemon import Daemon  # noqa: E402

_spec = importlib.util.spec_from_file_location("integration_conftest",
                                               os.path.join(NEXT_DOOR, "conftest.py"))
_shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_shared)

pytest_runtest_makereport = _shared.pytest_runtest_makereport
make_sentry = _shared.make_sentry
sentry = _shared.sentry
make_daemon = _shared.make_daemon
picketd = _shared.picketd


class Relay:
    """A daemon and its upstream, both left alone between tests: what one test
    sends must be told apart by its content."""

    def __init__(self):
        self.sentry = fake_sentry.FakeSentry()
        self.d = Daemon(self.sentry, helpers.QUICK)

    def close(self):
        try:
            self.d.check_conservation()
        finally:
            self.d.destroy()
            self.sentry.close()


@pytest.fixture(scope="module")
def shared_relay():
    r = Relay()
    yield r
    r.close()


@pytest.fixture
def relay(shared_relay, request):
    """For tests that leave no state behind: no limits, no outages, no restarts."""
    request.node.daemons = [shared_relay.d]
    request.node.sentries = [shared_relay.sentry]
    before = len(shared_relay.sentry.violations)
    yield shared_relay
    assert shared_relay.d.running(), "picketd ended by itself"
    bad = shared_relay.sentry.violations[before:]
    assert not bad, "requests that break the protocol:\n  " + "\n  ".join(bad[:20])


NUMBER = re.compile(r"test_([A-Z])(\d{3})_")


def pytest_terminal_summary(terminalreporter):
    """Counts statements, not tests: one holds when all its tests passed."""
    outcome = collections.defaultdict(set)
    for kind in ("passed", "failed", "error", "xfailed", "xpassed", "skipped"):
        for report in terminalreporter.stats.get(kind, []):
            m = NUMBER.search(getattr(report, "nodeid", ""))
            if m:
                outcome[m[1], int(m[2])].add(kind)
    good = {k for k, kinds in outcome.items() if kinds == {"passed"}}
    for table in tables.TABLES:
        say(terminalreporter, table, {n for letter, n in good if letter == table.LETTER})
    broken = sorted(k for k in outcome if k not in good)
    if broken:
        terminalreporter.write_line("do not hold: " + ", ".join(f"{c}-{n:03d}" for c, n in broken))


def say(terminalreporter, table, good):
    good &= set(table.SAYS)
    elsewhere = good & table.PROVEN_ELSEWHERE
    missing = tables.missing(table)
    terminalreporter.write_line(
        f"conformance, {table.ABOUT}: {len(good - elsewhere)} of {len(table.SAYS)} hold, "
        f"{len(elsewhere)} proven elsewhere, "
        f"{len(table.NOT_TESTABLE)} not testable here{reasons(table, table.NOT_TESTABLE)}"
        + (f", {len(missing)} known not to hold{reasons(table, missing)}" if missing else ""))


def reasons(table, why_of):
    """Each reason once, with its statements."""
    by_reason = collections.defaultdict(list)
    for n, why in sorted(why_of.items()):
        by_reason[why].append(f"{table.LETTER}-{n:03d}")
    said = "; ".join(f"{why}: {' '.join(which)}" for why, which in by_reason.items())
    return f" ({said})" if said else ""
