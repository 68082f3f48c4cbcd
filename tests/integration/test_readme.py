"""What README.md tells a new user to type does what it says."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
LINES = [line for block in BLOCKS for line in block.splitlines()]
#: Run by other means: the first two below, the last by whoever runs this.
RUN = {"make run", "SENTRY_DSN=https://KEY@o1.ingest.sentry.io/42 make run"}
CHECK = {"make check"}
INSTALL = {"make all", "make install DESTDIR=/tmp/picket-root PREFIX=/usr"}


def environment(folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PICKET_", "SENTRY_"))}
    return env | {"PICKET_RUN_DIR": folder, "PICKET_LISTEN_HTTP": "127.0.0.1:0",
                  "PICKET_CONFIG": "conf/quickstart.conf"}


@pytest.fixture(scope="module")
def quickstart():
    """What "make run" does once everything is built."""
    build = os.environ.get("BUILD", str(ROOT / "build"))
    with tempfile.TemporaryDirectory(prefix="pkrun") as folder:
        out = open(f"{folder}/out", "w+")
        p = subprocess.Popen(["conf/quickstart.sh"], cwd=ROOT, stdout=out, stderr=out,
                             env=environment(folder) | {"BUILD": build},
                             start_new_session=True,
                             # Who runs the tests in the background ignores it.
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        end = time.monotonic() + 30
        text = ""
        while "Stop with Ctrl-C" not in text:
            assert p.poll() is None and time.monotonic() < end, text
            time.sleep(0.05)
            text = pathlib.Path(out.name).read_text()
        yield folder, text
        os.killpg(p.pid, signal.SIGINT)
        assert p.wait(30) == 0


def test_make_run_shows_what_became_of_its_event(quickstart):
    text = quickstart[1]
    assert "Hello from make run" in text
    assert re.search(r"delivered .*upstream answered 200", text), text
    assert re.search(r"Dashboard +http://127\.0\.0\.1:\d+/", text), text
    assert re.search(r"DSN +http://app@127\.0\.0\.1:\d+/1", text), text


@pytest.mark.parametrize("line", [
    x for x in LINES if x not in RUN | CHECK | INSTALL and not x.startswith("export ")])
def test_each_command_works(quickstart, line):
    build = os.environ.get("BUILD", str(ROOT / "build"))
    line = line.replace("build/", f"{build}/")
    r = subprocess.run(["sh", "-c", line], cwd=ROOT, env=environment(quickstart[0]),
                       capture_output=True, text=True, timeout=30)
    assert r.returncode == 0, r.stdout + r.stderr


def test_install_puts_everything_where_it_belongs(tmp_path):
    build = os.environ.get("BUILD", str(ROOT / "build"))
    subprocess.run(["make", "-s", f"BUILD={build}", "install", f"DESTDIR={tmp_path}",
                    "PREFIX=/usr"], cwd=ROOT, check=True, capture_output=True)
    for name in ("usr/sbin/picketd", "usr/bin/picket", "usr/share/man/man8/picketd.8",
                 "usr/share/man/man1/picket.1", "usr/share/man/man5/picket.conf.5", "usr/share/man/man5/picket-rules.5",
                 "usr/lib/systemd/system/picketd.service",
                 "usr/lib/systemd/system/picketd.socket",
                 "usr/lib/systemd/system/picketd-control.socket", "etc/picket/picket.conf"):
        assert (tmp_path / name).is_file(), name
    unit = (tmp_path / "usr/lib/systemd/system/picketd.service").read_text()
    assert "@" not in re.sub(r"@system-service|@privileged|@resources", "", unit)
    subprocess.run(["make", "-s", f"BUILD={build}", "uninstall", f"DESTDIR={tmp_path}",
                    "PREFIX=/usr"], cwd=ROOT, check=True, capture_output=True)
    assert not (tmp_path / "usr/sbin/picketd").exists()


def test_every_command_of_the_readme_is_accounted_for():
    assert RUN | CHECK | INSTALL <= set(LINES)
    targets = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    for name in ("run", "check", "bench"):
        assert f"make {name} " in targets
