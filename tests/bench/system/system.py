#!/usr/bin/env python3
"""Benchmarks of the whole daemon; prints one line for each figure.

usage: BUILD=build tests/bench/system/system.py [size] [idle] [accept] [forward] [logs] [start]

    name value=V [baseline=B ratio=R] target[<]=T [key=value ...]

Works in a directory of its own below $BUILD (a disk, not tmpfs: flushes are part of what is
measured) and removes it at the end. Wants Python's standard library only.
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
PICKETD = BUILD / "picketd"
TOOLS = BUILD / "bench" / "system"
MIB = 1024 * 1024
EVENT_BYTES = 10240
CONNECTIONS = 64
ACCEPT_CONNECTIONS = 256
IDLE_S = 40   # connections to the upstream are kept for 30 s


def say(name, value, target=None, at_most=False, **more):
    words = [name, f"value={value}"]
    words += [f"{k}={more.pop(k)}" for k in ("baseline", "ratio") if k in more]
    if target is not None:
        words.append(f"target{'<=' if at_most else '='}{target}")
    print(*words, *(f"{k}={v}" for k, v in more.items()), flush=True)


def fields_of(line):
    return dict(w.split("=", 1) for w in line.split() if "=" in w)


def wait_for(predicate, what, timeout=300, every=0.02):
    end = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {timeout} s")
        time.sleep(every)


def median(values):
    return sorted(values)[len(values) // 2]


# --- the upstream -----------------------------------------------------------------------

class Upstream:
    def __init__(self, work, port=0):
        self.ca = work / "ca.pem"
        self.process = subprocess.Popen([TOOLS / "bench_upstream", self.ca, str(port)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.dsn = f"https://0123456789abcdef0123456789abcdef@localhost:{self.port}/1"
        tls = ssl.create_default_context(cafile=self.ca)
        self.http = http.client.HTTPSConnection("localhost", self.port, context=tls)

    def figures(self):
        self.http.request("GET", "/")
        return json.loads(self.http.getresponse().read())

    def stop(self):
        self.http.close()
        self.process.terminate()
        self.process.wait()


# --- the daemon --------------------------------------------------------------------------

class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, work, dsn, ca=None, batch=None, scrub=None, **spool):
        self.work = work
        # Relative: the path of a Unix socket has about 100 bytes.
        self.unix = "p.sock"
        self.conf = work / "picket.conf"
        self.log = work / "log"
        spool = {"dir": "spool", "max_size": "2G", **spool}
        self.conf.write_text(
            f"[listen]\nhttp = off\nunix = {self.unix}\n\n[control]\nunix = c.sock\n\n"
            f"[upstream]\ndsn = {dsn}\n" + (f"ca_file = {ca}\n" if ca else "") + "\n[spool]\n"
            + "".join(f"{k} = {v}\n" for k, v in spool.items()) + "\n[batch]\n"
            + "".join(f"{k} = {v}\n" for k, v in (batch or {}).items()) + "\n[scrub]\n"
            + "".join(f"{k} = {v}\n" for k, v in (scrub or {}).items()))
        self.command = [str(PICKETD), "-c", str(self.conf)]
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("SENTRY_", "PICKET_", "LISTEN_", "NOTIFY_"))
                    and not k.lower().endswith("_proxy")}
        self.process = None

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.work, env=self.env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.is_listening, "picketd listening", 30)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def is_listening(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"picketd ended:\n{self.log.read_text()}")
        try:
            self.status()
        except OSError:
            return False
        return True

    def status(self):
        c = UnixHTTP(os.path.relpath(self.work / self.unix))
        try:
            c.request("GET", "/status")
            return json.loads(c.getresponse().read())
        finally:
            c.close()

    def total(self, kind, category="error"):
        return self.status()["totals"].get(kind, {}).get(category, 0)

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.process.pid}/{name}").read_text()

    def memory(self, field, file="status"):
        for line in self.proc(file).splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise KeyError(field)

    def wakeups(self):
        total = 0
        for t in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            for line in (t / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total

    def cpu_s(self):
        w = self.proc("stat").rsplit(")", 1)[1].split()
        return (int(w[11]) + int(w[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, requests, first=0, kind=None, connections=CONNECTIONS):
        return run_load(["-u", os.path.relpath(self.work / self.unix)], requests, first, kind,
                        connections)


def run_load(to, requests, first=0, kind=None, connections=CONNECTIONS):
    args = [str(TOOLS / "bench_load"), *to, "-c", str(connections), "-n", str(requests),
            "-b", str(EVENT_BYTES), "-f", str(first)] + ([kind] if kind else [])
    out = subprocess.run(args, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {k: float(v) for k, v in fields_of(out).items()}


# --- what is measured -----------------------------------------------------------------------

SCRUBS_NOTHING = {"defaults": "no", "deep": "no", "ip_addresses": "no"}


def nowhere():
    """A socket whose port refuses connections, and a DSN there."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))   # bound, not listening
    return s, f"https://0123456789abcdef0123456789abcdef@localhost:{s.getsockname()[1]}/1"


def plain_store(work, kind, count):
    """A bare server that only stores (bench_store.c), under the same load."""
    folder = work / kind
    folder.mkdir()
    path = os.path.relpath(work / "plain.sock")
    server = subprocess.Popen([TOOLS / "bench_store", kind, path, folder])
    try:
        wait_for(lambda: server.poll() is not None or os.path.exists(path), "bench_store", 30)
        load = run_load(["-u", path], count, connections=ACCEPT_CONNECTIONS)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)
        pathlib.Path(path).unlink(missing_ok=True)
    return load["per_s"]


def accept(work):
    """Durable accepts, nothing sent as the upstream is away."""
    measure_accept(work, "accept.durable_", {})
    measure_accept(work, "accept.durable_unscrubbed_", SCRUBS_NOTHING)


def measure_accept(work, name, scrub):
    count, rounds = 10000, 5
    loads, cpus, plain = [], [], {"segment": [], "sqlite": []}
    held, dsn = nowhere()
    for _ in range(rounds):
        for kind, rates in plain.items():
            rates.append(plain_store(work, kind, count))
        with Daemon(work, dsn, scrub=scrub) as d:
            before = d.cpu_s()
            loads.append(d.load(count, connections=ACCEPT_CONNECTIONS))
            cpus.append((d.cpu_s() - before) / count * 1e6)
        if loads[-1]["ok"] != count:
            raise RuntimeError(f"{name}: {loads[-1]}")
        shutil.rmtree(work / "spool")
    held.close()
    rates = [load["per_s"] for load in loads]
    say(f"{name}per_s", round(median(rates)), p50_us=round(median([x["p50_us"] for x in loads])),
        daemon_cpu_us_each=round(median(cpus)))
    for what, kind in (("segment_log", "segment"), ("sqlite", "sqlite")):
        print(f"{name}vs_{what} ratio={median([a / b for a, b in zip(rates, plain[kind])]):.2f}",
              f"baseline={median(plain[kind]):.0f}", flush=True)


def forward(work):
    """By default settings, and as the path is without scrubbing."""
    measure_forward(work, "forward.", {})
    shutil.rmtree(work / "spool", ignore_errors=True)
    measure_forward(work, "forward.unscrubbed_", SCRUBS_NOTHING)


def measure_forward(work, name, scrub):
    """Accept and forward at the same time, from the first request until the last is delivered."""
    count, rounds = 30000, 3
    up = Upstream(work)
    rates, loads, bases, cpus = [], [], [], []
    lost = 0
    try:
        with Daemon(work, up.dsn, up.ca, scrub=scrub) as d:
            for i in range(rounds):
                first = i * 3 * count
                base = run_load(["-t", f"localhost:{up.port}"], count, first)
                bases.append(base["per_s"])
                before, before_cpu = up.figures(), d.cpu_s()
                delivered = d.total("delivered")
                start = time.monotonic()
                load = d.load(count, first + count)
                got = lambda: up.figures()["distinct"] - before["distinct"]
                wait_for(lambda: got() >= load["ok"], "everything delivered", 180, 0.01)
                took = time.monotonic() - start
                wait_for(lambda: d.total("delivered") - delivered >= load["ok"], "settled", 60)
                rates.append(load["ok"] / took)
                loads.append(load)
                cpus.append((d.cpu_s() - before_cpu) / load["ok"] * 1e6)
                lost += int(load["ok"]) - got() + int(load["refused"] + load["failed"])
            totals = d.status()["totals"]
    finally:
        up.stop()
    middle = sorted(range(rounds), key=lambda i: rates[i])[rounds // 2]
    load = loads[middle]
    say(f"{name}end_to_end_per_s", round(rates[middle]), 5000, baseline=round(bases[middle]),
        ratio=f"{rates[middle] / bases[middle]:.3f}", accept_per_s=round(load["per_s"]),
        accept_p50_us=round(load["p50_us"]), accept_p99_us=round(load["p99_us"]),
        daemon_cpu_us_each=round(cpus[middle]))
    say(f"{name}lost", lost, 0, at_most=True, received=totals["received"].get("error", 0),
        delivered=totals["delivered"].get("error", 0),
        dropped=sum(sum(q.values()) for q in totals["dropped"].values()))


def send_logs(work, count, batch):
    """Single-log envelopes, until the last is settled; what the upstream saw, and how fast."""
    up = Upstream(work)
    try:
        with Daemon(work, up.dsn, up.ca, batch, dir="spool-merged" if not batch else "spool") as d:
            start, before = time.monotonic(), d.cpu_s()
            load = d.load(count, kind="-l")
            wait_for(lambda: d.total("delivered", "log_item") >= load["ok"], "logs", 300, 0.05)
            took = time.monotonic() - start
            lost = count - d.total("delivered", "log_item")
            return {**up.figures(), "per_s": load["ok"] / took, "lost": lost,
                    "cpu_us": (d.cpu_s() - before) / load["ok"] * 1e6}
    finally:
        up.stop()


def logs(work):
    """100,000 envelopes of one log each from 64 connections: merged, and one by one."""
    count = 100000
    alone = send_logs(work, count, {"window": "0ms", "max_items": 1})
    merged = send_logs(work, count, None)
    say("logs.upstream_requests", merged["requests"], count // 50, at_most=True,
        baseline=alone["requests"], ratio=f"{alone['requests'] / merged['requests']:.1f}")
    say("logs.lost", merged["lost"] + alone["lost"], 0, at_most=True)
    say("logs.upstream_bytes", merged["bytes"], baseline=alone["bytes"],
        ratio=f"{alone['bytes'] / merged['bytes']:.2f}")
    say("logs.end_to_end_per_s", round(merged["per_s"]), baseline=round(alone["per_s"]),
        ratio=f"{merged['per_s'] / alone['per_s']:.2f}", cpu_us_each=round(merged["cpu_us"]),
        baseline_cpu_us_each=round(alone["cpu_us"]))


def idle(work):
    # Pages of a program just linked, not yet on disk, count as private and dirty.
    os.sync()
    up = Upstream(work)
    try:
        with Daemon(work, up.dsn, up.ca) as d:
            time.sleep(3)
            say("idle.rss_mb_after_start", f"{d.memory('VmRSS'):.1f}", 14, at_most=True)
            say("idle.private_dirty_mb_after_start",
                f"{d.memory('Private_Dirty', 'smaps_rollup'):.1f}", 3, at_most=True)
            idle_wakeups(d, "idle.wakeups_per_s_after_start")
            load = d.load(20000)
            wait_for(lambda: d.total("delivered") >= load["ok"], "everything delivered")
            time.sleep(IDLE_S)
            say("idle.rss_mb_after_burst", f"{d.memory('VmRSS'):.1f}", 14, at_most=True,
                peak_mb=f"{d.memory('VmHWM'):.1f}")
            say("idle.private_dirty_mb_after_burst",
                f"{d.memory('Private_Dirty', 'smaps_rollup'):.1f}", 3, at_most=True)
            idle_wakeups(d, "idle.wakeups_per_s_after_burst")
    finally:
        up.stop()


def idle_wakeups(d, name):
    before, start = d.wakeups(), time.monotonic()
    time.sleep(10)
    say(name, f"{(d.wakeups() - before) / (time.monotonic() - start):.2f}", 1, at_most=True)


class Peak(threading.Thread):
    """The largest resident size seen; VmHWM tells it only since the process began."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.of, self.rss, self.anon, self.done = daemon, 0.0, 0.0, threading.Event()

    def run(self):
        while not self.done.wait(0.02):
            self.rss = max(self.rss, self.of.memory("VmRSS"))
            self.anon = max(self.anon, self.of.memory("RssAnon"))


def start(work):
    """A spool of 1 GiB: how long until the daemon listens, how large it gets while sending it."""
    held, dsn = nowhere()
    port = held.getsockname()[1]
    sent = 0
    with Daemon(work, dsn, durability="async") as d:
        while d.status()["spool"]["bytes"] < 1024 * MIB:
            sent += int(d.load(5000, sent, kind="-r")["ok"])
        spool = d.status()["spool"]
    runs = [str(TOOLS / "bench_start"), "5", d.unix]
    ours = measure_start(work, runs + d.command, d.env)
    bare = measure_start(work, runs + [str(TOOLS / "bench_listen"), d.unix], d.env)
    cold_start(work, d)
    held.close()
    say("start.listening_ms_with_1gib_spool", ours["ms"], 20, at_most=True, baseline=bare["ms"],
        ratio=f"{float(ours['ms']) / float(bare['ms']):.1f}", max_ms=ours["max_ms"],
        records=spool["records"], spool_mib=spool["bytes"] // MIB)
    drain(work, sent, port)   # a record goes where it was routed when it came


def cold_start(work, d, rounds=3):
    """As after a reboot: nothing of the program and of the spool is in the page cache, but what
    other processes have mapped. Only root can drop it."""
    drop = pathlib.Path("/proc/sys/vm/drop_caches")
    if not os.access(drop, os.W_OK):
        print("# start.cold: the page cache can be dropped by root only")
        return
    once = [str(TOOLS / "bench_start"), "1", d.unix]
    commands = {"ours": once + d.command, "bare": once + [str(TOOLS / "bench_listen"), d.unix]}
    took = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            os.sync()
            drop.write_text("3")
            subprocess.run(once[:1], stderr=subprocess.DEVNULL)   # the tool itself is warm
            took[name].append(float(measure_start(work, command, d.env)["ms"]))
    ours, bare = (sorted(took[name])[rounds // 2] for name in ("ours", "bare"))
    say("start.cold_ms_with_1gib_spool", f"{ours:.1f}", baseline=f"{bare:.1f}",
        ratio=f"{ours / bare:.1f}", max_ms=f"{max(took['ours']):.1f}")


def measure_start(work, command, env):
    out = subprocess.run(command, cwd=work, env=env, check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True).stdout
    return fields_of(out.splitlines()[-1])


def drain(work, sent, port):
    up = Upstream(work, port)
    try:
        begin = time.monotonic()
        with Daemon(work, up.dsn, up.ca) as d:
            peak = Peak(d)
            peak.start()
            wait_for(lambda: d.status()["spool"]["records"] == 0, "spool drained", 600, 0.1)
            took = time.monotonic() - begin
            peak.done.set()
            peak.join()
            got = up.figures()
            say("drain.max_rss_mb", f"{max(peak.rss, d.memory('VmHWM')):.1f}", 48, at_most=True,
                max_anon_mb=f"{peak.anon:.1f}", per_s=round(sent / took),
                mib_per_s=round(got["bytes"] / MIB / took))
            say("drain.lost", sent - got["distinct"], 0, at_most=True, sent=sent,
                requests=got["requests"])
            wait_for(lambda: spool_file(work) < 64 * MIB, "spool file given back", 60, 0.5)
    except RuntimeError as e:
        say("drain.failed", 1, 0, at_most=True, why=str(e).replace(" ", "_"))
    finally:
        up.stop()


def spool_file(work):
    return sum(f.stat().st_size for f in (work / "spool").rglob("*") if f.is_file())


def size(work):
    stripped = work / "picketd.stripped"
    subprocess.run(["strip", "-o", stripped, PICKETD], check=True)
    say("size.picketd_stripped_kb", f"{stripped.stat().st_size / 1024:.0f}", 500, at_most=True)


def main():
    wanted = sys.argv[1:] or ["size", "idle", "accept", "forward", "logs", "start"]
    failed = False
    for name in wanted:
        work = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=BUILD))
        try:
            {"size": size, "idle": idle, "accept": accept, "forward": forward, "logs": logs,
             "start": start}[name](work)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as e:
            failed = True
            print(f"{name}: {e}", file=sys.stderr)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
