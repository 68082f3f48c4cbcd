"""Fixtures: strict fake Sentries, daemons, and what to show when a test fails."""

import os
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import fake_sentry  # noqa: E402
import tls as tls_module  # noqa: E402
from daemon import Daemon  # noqa: E402
from settings import PICKET, PICKETD, SANITIZED  # noqa: E402

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for d in getattr(item, "daemons", []):
            lines = (getattr(d, "final_log", None) or d.log(all_runs=True)).splitlines()
            report.sections.append((f"picketd in {d.dir}", "\n".join(lines[-120:])))
        for s in getattr(item, "sentries", []):
            report.sections.append((f"fake Sentry on port {s.port}", fake_sentry.dump(s)))
    return report


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return tls_module.make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def make_sentry(request):
    made = request.node.sentries = []

    def make(**kw):
        s = fake_sentry.FakeSentry(**kw)
        made.append(s)
        return s

    yield make
    violations = [v for s in made for v in s.violations]
    for s in made:
        s.close()
    if violations:
        pytest.fail("requests that break the protocol:\n  " + "\n  ".join(violations[:20]),
                    pytrace=False)


@pytest.fixture
def sentry(make_sentry):
    return make_sentry()


@pytest.fixture
def make_daemon(request):
    """Daemons that end with the test. While one is alive at the end, its
    figures must add up; one that died unasked, or left a sanitizer report or
    a broken invariant in its log, fails the test."""
    made = request.node.daemons = []
    for program in (PICKETD, PICKET):
        if not os.access(program, os.X_OK):
            pytest.fail(f"{program} is not there; build it first (make all)", pytrace=False)

    def make(*args, **kw):
        d = Daemon.__new__(Daemon)
        made.append(d)
        d.__init__(*args, **kw)
        return d

    yield make
    faults = []
    for d in made:
        if getattr(d, "process", None) is None:
            continue
        if d.running():
            try:
                d.check_conservation()
            except Exception as e:  # the daemon may be unable to answer at all
                faults.append(f"{type(e).__name__}: {e}")
        elif not d.expect_dead:
            faults.append(f"picketd ended by itself with {d.process.returncode}")
        if SANITIZED and d.running():
            # Leaks are looked for at an orderly end only.
            d.process.terminate()
            try:
                d.process.wait(60)
            except subprocess.TimeoutExpired:
                pass
        text = d.log(all_runs=True)
        for mark in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer",
                     "check failed"):
            if mark in text:
                faults.append(f"{mark} in the log: {text[text.index(mark):][:2000]}")
    for d in made:
        if hasattr(d, "process"):
            d.final_log = d.log(all_runs=True)
            d.destroy()
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.fixture
def picketd(make_daemon, sentry):
    """A daemon that sends everything to the fake Sentry."""
    return make_daemon(sentry)


@pytest.fixture
def small_disk():
    """A real file system of 16 MiB that fills up."""
    folder = tempfile.mkdtemp(prefix="pkfs")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        os.rmdir(folder)
        pytest.fail("THE DISK TESTS DID NOT RUN: they mount a small tmpfs, which needs root: "
                    + done.stderr, pytrace=False)
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)
    os.rmdir(folder)
