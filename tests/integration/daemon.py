"""One picketd under test: its configuration, its process, its sockets."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import client
import wire
from settings import PICKET, PICKETD, TIME_SCALE

LOGFMT = re.compile(r'([A-Za-z0-9_.]+)=("(?:[^"\\]|\\.)*"|\S*)')


def wait_until(predicate, timeout=10.0, what="condition", every=0.01):
    """Polls; used only where no event can be waited for."""
    end = time.monotonic() + timeout * TIME_SCALE
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} not reached within {timeout * TIME_SCALE:.0f} s")
        time.sleep(every)


def parse_log_line(line):
    line = re.sub(r"^<\d>", "", line.strip())
    if line.startswith("{"):
        try:
            return json.loads(line)
        except ValueError:
            return {}
    return {k: v.strip('"') for k, v in LOGFMT.findall(line)}


class StartFailed(AssertionError):
    pass


class Daemon:
    def __init__(self, upstream=None, conf=None, env=None, spool=None, launcher=(), pass_fds=(),
                 preexec=None, args=None, wait=True):
        # Short: a Unix socket path has about 100 bytes.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pk"))
        self.unix = self.dir / "p.sock"
        self.control = self.dir / "c.sock"
        self.gram = self.dir / "g.sock"
        self.spool = pathlib.Path(spool) if spool else self.dir / "spool"
        self.conf_file = self.dir / "picket.conf"
        self.log_file = self.dir / "log"
        self.env = env or {}
        self.launcher = list(launcher)
        self.pass_fds = pass_fds
        self.preexec = preexec
        self.args = ["-c", str(self.conf_file)] if args is None else list(args)
        self.sections = {
            "listen": {"http": "127.0.0.1:0", "unix": str(self.unix)},
            "control": {"unix": str(self.control)},
            "upstream": {"dsn": upstream.dsn} if upstream else {},
            "spool": {"dir": str(self.spool)},
            "retry": {"min": "50ms", "max": "200ms"},
            "reports": {"interval": "1s"},
            "batch": {"window": "20ms"},
            # What goes in comes out byte for byte; test_scrub.py turns it on.
            "scrub": {"defaults": "no", "deep": "no", "ip_addresses": "no"},
            "log": {"level": "debug", "format": "logfmt"},
        }
        for section, keys in (conf or {}).items():
            self.set(section, **keys)
        self.process = None
        self.http = None
        self.ask_over = "unix"  # where the helpers below look in
        self.log_start = 0
        self.expect_dead = False
        self.write_conf()
        if wait is not None:
            self.start(wait)

    # --- configuration ---

    def set(self, section, **keys):
        """None removes a key."""
        into = self.sections.setdefault(section, {})
        for k, v in keys.items():
            if v is None:
                into.pop(k, None)
            else:
                into[k] = v

    def write_conf(self):
        text = "".join(f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()) + "\n"
                       for name, keys in self.sections.items() if keys)
        self.conf_file.write_text(text)

    # --- process ---

    def start(self, wait=True):
        assert not self.running()
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("SENTRY_", "PICKET_", "LISTEN_", "NOTIFY_", "WATCHDOG_"))
               and k.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
        env.update(self.env)
        self.log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self.launcher + [PICKETD] + self.args, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=env, pass_fds=self.pass_fds, preexec_fn=self.preexec)
        self.expect_dead = False
        if wait:
            self.wait_ready()
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self):
        def listening():
            if not self.running():
                raise StartFailed(f"picketd ended with {self.process.returncode}:\n{self.log()}")
            for f in self.events("listening"):
                if f.get("on") == "http" and "addr" in f:
                    host, _, port = f["addr"].rpartition(":")
                    self.http = (host.strip("[]"), int(port))
            return self.http if self._started() else None

        self.http = None
        wait_until(listening, 15, "ev=listening in the log")
        wait_until(lambda: self.ready() == 200, 15, "/readyz")

    def _started(self):
        if not self.sections["listen"].get("http"):
            self.http = self.http or ("", 0)
            return self.unix.exists()
        return self.http

    def ready(self):
        try:
            return self.get("/readyz").status
        except (OSError, client.Closed):
            return None

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.expect_dead = True

    def wait_exit(self, timeout=10.0):
        try:
            return self.process.wait(timeout * TIME_SCALE)
        finally:
            self.expect_dead = True

    def terminate(self, timeout=10.0):
        self.process.send_signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def restart(self):
        if self.running():
            assert self.terminate() == 0, "SIGTERM did not end in exit status 0"
        return self.start()

    def reload(self):
        """SIGHUP, then waits for the log line that tells how it went."""
        def told():
            return [f for f in self.events() if f.get("ev", "").startswith("reload")
                    and f.get("ev") != "reloading"]

        before = len(told())
        self.write_conf()
        self.process.send_signal(signal.SIGHUP)
        return wait_until(lambda: told()[before:], 10, "log line about the reload")[0]

    def destroy(self):
        if self.running():
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- looking ---

    def log(self, all_runs=False):
        if not self.log_file.exists():
            return ""
        with open(self.log_file, "rb") as f:
            f.seek(0 if all_runs else self.log_start)
            return f.read().decode("utf-8", "replace")

    def events(self, *names):
        """Fields of the log lines of this run with one of these event names."""
        lines = [parse_log_line(line) for line in self.log().splitlines()]
        return [f for f in lines if not names or f.get("ev") in names]

    def get(self, target, **kw):
        """GET of one of the daemon's pages."""
        where = self.unix if self.ask_over == "unix" else self.http
        return client.once(where, "GET", target, **kw)

    def status(self):
        r = self.get("/status")
        assert r.status == 200, r
        return r.json()

    def totals(self):
        return self.status()["totals"]

    def received(self, category):
        return self.totals()["received"].get(category, 0)

    def delivered(self, category):
        return self.totals()["delivered"].get(category, 0)

    def held(self, category=None):
        held = self.totals()["held"]
        return held.get(category, 0) if category else sum(held.values())

    def dropped(self, reason, category):
        return self.totals()["dropped"].get(reason, {}).get(category, 0)

    def metrics(self):
        """Samples by name-with-labels."""
        r = self.get("/metrics")
        assert r.status == 200, r
        out = {}
        for line in r.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out

    def wait_empty(self, timeout=15.0):
        """Until nothing is held in the spool."""
        wait_until(lambda: self.status()["spool"]["records"] == 0, timeout, "empty spool", 0.02)

    def check_conservation(self):
        """Law 1: received = delivered + dropped + held, per category."""
        t = self.totals()
        cats = set(t["received"]) | set(t["delivered"]) | set(t["held"])
        for by_cat in t["dropped"].values():
            cats |= set(by_cat)
        for cat in cats:
            got = t["received"].get(cat, 0)
            gone = (t["delivered"].get(cat, 0) + t["held"].get(cat, 0)
                    + sum(by_cat.get(cat, 0) for by_cat in t["dropped"].values()))
            assert got == gone, f"conservation law broken for {cat}: {json.dumps(t)}"

    # --- sending ---

    def conn(self, over="tcp", timeout=10.0):
        return client.Http(self.http if over == "tcp" else self.unix, timeout)

    def send(self, body, over="tcp", **kw):
        with self.conn(over) as c:
            return c.envelope(body, **kw)

    def send_ok(self, body, **kw):
        r = self.send(body, **kw)
        assert r.status == 200, r
        return r

    def send_event(self, eid=None, **kw):
        """Sends one accepted error event; its id."""
        eid = eid or wire.new_id()
        r = self.send_ok(wire.event(eid), **kw)
        assert r.json() == {"id": eid}
        return eid

    def dsn(self, key=wire.KEY, project="42"):
        return f"http://{key}@{self.http[0]}:{self.http[1]}/{project}"

    def cli(self, *args, stdin=None, timeout=20.0, env=None):
        """Runs picket with this daemon's configuration."""
        return subprocess.run(
            [PICKET, *args], input=stdin, capture_output=True, timeout=timeout * TIME_SCALE,
            env={**os.environ, "PICKET_CONFIG": str(self.conf_file), **(env or {})}, check=False)
