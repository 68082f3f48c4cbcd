"""Starting, reloading, ending; sockets and the service manager."""

import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

import client
import daemon
import wire
from daemon import StartFailed, wait_until
from fake_sentry import Answer
from settings import BUILD, PICKETD, SANITIZED, TIME_SCALE


def picketd_once(*args, env=None, timeout=20.0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SENTRY_", "PICKET_"))}
    return subprocess.run([PICKETD, *args], capture_output=True, text=True, check=False,
                          timeout=timeout * TIME_SCALE, env={**clean, **(env or {})})


# --- ending -----------------------------------------------------------------


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(picketd, sentry, sig):
    sentry.down()
    eid = picketd.send_event()
    picketd.process.send_signal(sig)
    assert picketd.wait_exit() == 0
    assert not picketd.unix.exists() and not picketd.control.exists()
    picketd.start()
    sentry.up()
    sentry.wait_event(eid)


def test_sigterm_does_not_wait_longer_than_its_timeout(make_daemon, sentry):
    d = make_daemon(sentry, {"daemon": {"shutdown_timeout": "200ms"}})
    sentry.script(Answer(gate=sentry.gate()), times=1)
    eid = d.send_event()
    sentry.wait_for(lambda: sentry.rules[0][1] == 0)
    assert d.terminate() == 0
    d.start()
    sentry.wait_event(eid)


def test_a_second_signal_ends_it_at_once(make_daemon, sentry):
    d = make_daemon(sentry, {"daemon": {"shutdown_timeout": "10m"}})
    sentry.script(Answer(gate=sentry.gate()), times=1)
    eid = d.send_event()
    sentry.wait_for(lambda: sentry.rules[0][1] == 0)
    d.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not d.unix.exists(), 10, "the first signal to be taken")
    assert d.running()
    d.process.send_signal(signal.SIGTERM)
    d.wait_exit(10)
    d.start()
    sentry.wait_event(eid)


def test_a_request_under_way_is_answered_before_the_end(make_daemon, sentry):
    d = make_daemon(sentry, {"daemon": {"shutdown_timeout": "20s"}})
    body = wire.event(eid := wire.new_id())
    with d.conn() as c:
        c.send(client.request_bytes("POST", "/api/42/envelope/", [
            ("X-Sentry-Auth", f"Sentry sentry_key={wire.KEY}, sentry_version=7")], body))
        answer = c.read()
        assert answer.status == 200
        d.process.send_signal(signal.SIGTERM)
        assert d.wait_exit() == 0
    d.start()
    sentry.wait_event(eid)


def test_new_connections_are_refused_while_ending(make_daemon, sentry):
    d = make_daemon(sentry, {"daemon": {"shutdown_timeout": "10m"}})
    sentry.script(Answer(gate=sentry.gate()), times=1)
    d.send_event()
    sentry.wait_for(lambda: sentry.rules[0][1] == 0)
    d.process.send_signal(signal.SIGTERM)

    def refused():
        try:
            client.connect(d.http).close()
            return False
        except OSError:
            return True

    wait_until(refused, 10, "refusal")
    d.process.send_signal(signal.SIGTERM)
    d.wait_exit()


# --- reloading --------------------------------------------------------------


def test_sighup_takes_new_settings(picketd, make_sentry, sentry):
    sentry.wait_event(picketd.send_event())
    other = make_sentry(key="2" * 32, project="9")
    picketd.set("upstream", dsn=other.dsn)
    picketd.reload()
    other.wait_event(picketd.send_event())
    assert len(sentry.requests) == 1


def test_a_bad_file_leaves_the_old_settings_in_force(picketd, sentry):
    picketd.set("upstream", dsn="ftp://nonsense")
    told = picketd.reload()
    assert told["level"] in ("error", "warn"), told
    log = picketd.log()
    assert str(picketd.conf_file) in log
    sentry.wait_event(picketd.send_event())
    picketd.set("upstream", dsn=sentry.dsn, unknown_key="1")
    told = picketd.reload()
    assert told["level"] in ("error", "warn"), told
    sentry.wait_event(picketd.send_event())


def test_sighup_drops_no_connection_and_no_envelope(picketd, sentry):
    ids = []
    with picketd.conn() as c:
        for n in range(40):
            if n % 4 == 0:
                picketd.process.send_signal(signal.SIGHUP)
            eid = wire.new_id()
            assert c.envelope(wire.event(eid)).status == 200
            ids.append(eid)
    sentry.wait_events(ids)
    picketd.wait_empty()
    assert sorted(sentry.event_ids()) == sorted(ids)


def test_what_needs_a_restart_is_named(picketd):
    picketd.set("spool", dir=str(picketd.dir / "other"))
    picketd.reload()
    assert "spool.dir" in picketd.log()
    assert not (picketd.dir / "other").exists()
    picketd.send_event()


# --- sockets and locks ------------------------------------------------------


def test_stale_socket_files_are_replaced(picketd, sentry):
    picketd.kill9()
    assert picketd.unix.exists(), "kill -9 leaves the file"
    picketd.start()
    sentry.wait_event(picketd.send_event(over="unix"))


def test_a_socket_that_somebody_serves_is_left_alone(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(d.unix))
        other.listen()
        with pytest.raises(StartFailed):
            d.start()
        d.expect_dead = True
        assert d.process.returncode > 0
        assert str(d.unix) in d.log()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(d.unix))


def test_a_file_that_is_no_socket_is_not_deleted(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    d.unix.write_text("precious")
    with pytest.raises(StartFailed):
        d.start()
    d.expect_dead = True
    assert d.unix.read_text() == "precious"


def test_a_port_in_use_is_said(make_daemon, sentry):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        d = make_daemon(sentry, wait=None)
        d.set("listen", http=f"127.0.0.1:{port}")
        d.write_conf()
        with pytest.raises(StartFailed):
            d.start()
        d.expect_dead = True
        assert d.process.returncode > 0 and str(port) in d.log()


def test_socket_modes(make_daemon, sentry):
    d = make_daemon(sentry, {"listen": {"unix_mode": "0600"}})
    assert d.unix.stat().st_mode & 0o777 == 0o600
    assert d.control.stat().st_mode & 0o777 == 0o600


def test_a_second_daemon_on_the_same_spool_names_the_first(picketd, make_daemon, sentry):
    second = make_daemon(sentry, spool=picketd.spool, wait=None)
    with pytest.raises(StartFailed):
        second.start()
    second.expect_dead = True
    assert second.process.returncode > 0
    assert re.search(rf"\b{picketd.pid}\b", second.log()), second.log()
    sentry.wait_event(picketd.send_event())
    picketd.kill9()
    second.start()
    sentry.wait_event(second.send_event())


def test_without_the_unix_socket(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    d.set("listen", unix="off")
    d.unix = d.dir / "nowhere"
    d.write_conf()
    d.start(wait=False)
    wait_until(lambda: d.events("listening"), 15, "listening")
    addr = next(f["addr"] for f in d.events("listening") if f["on"] == "http" and "addr" in f)
    d.http = ("127.0.0.1", int(addr.rpartition(":")[2]))
    d.ask_over = "tcp"
    sentry.wait_event(d.send_event())


def test_without_http(make_daemon, sentry):
    d = make_daemon(sentry, wait=None)
    d.set("listen", http="off")
    d.write_conf()
    d.start(wait=False)
    wait_until(lambda: d.unix.exists() and d.ready() == 200, 15, "/readyz")
    assert not any(f.get("on") == "http" for f in d.events("listening"))
    sentry.wait_event(d.send_event(over="unix"))


# --- the service manager ----------------------------------------------------

# Runs between fork and exec of the daemon: LISTEN_PID must be its own pid.
ACTIVATE = """
import os, sys
n = int(sys.argv[1])
fds = [int(x) for x in sys.argv[2].split(",")]
for i, fd in enumerate(fds):
    os.dup2(fd, 100 + i)
for i in range(n):
    os.dup2(100 + i, 3 + i, inheritable=True)
    os.close(100 + i)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(n)
os.environ["LISTEN_FDNAMES"] = sys.argv[3]
os.execv(sys.argv[4], sys.argv[4:])
"""


def test_sockets_passed_in_are_used_and_survive_a_restart(make_daemon, sentry):
    folder = tempfile.mkdtemp(prefix="pkact")
    tcp = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(f"{folder}/s")
    unix.listen()
    control = socket.socket(socket.AF_UNIX)
    control.bind(f"{folder}/c")
    control.listen()
    gram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    gram.bind(f"{folder}/g")
    fds = [s.fileno() for s in (tcp, unix, control, gram)]
    d = make_daemon(sentry, wait=None, pass_fds=fds, launcher=[
        sys.executable, "-c", ACTIVATE, str(len(fds)), ",".join(map(str, fds)),
        "http:unix:control:unixgram"])
    real = d.unix
    d.unix = f"{folder}/s"
    d.set("control", unix=f"{folder}/c")
    d.write_conf()
    # Sent before anybody listens: the kernel keeps it, nothing is refused.
    d.http = tcp.getsockname()[:2]
    early = client.connect(d.http)
    eid = wire.new_id()
    early.sendall(client.request_bytes("POST", "/api/42/envelope/", [
        ("X-Sentry-Auth", f"Sentry sentry_key={wire.KEY}, sentry_version=7")], wire.event(eid)))
    d.start()
    sentry.wait_event(eid)
    assert d.http == tcp.getsockname()[:2]
    assert not real.exists(), "the configured path is not used beside a passed socket"
    a, b, c = wire.new_id(), wire.new_id(), wire.new_id()
    assert client.raw_envelope(d.unix, wire.event(a, headers={"dsn": d.dsn()}))["status"] == 200
    client.datagram(f"{folder}/g", wire.event(b, headers={"dsn": d.dsn()}))
    assert d.cli("status").returncode == 0
    assert d.terminate() == 0
    assert os.path.exists(f"{folder}/s"), "systemd's socket files are systemd's"
    between = client.connect(d.http)
    between.sendall(client.request_bytes("POST", "/api/42/envelope/", [
        ("X-Sentry-Auth", f"Sentry sentry_key={wire.KEY}, sentry_version=7")], wire.event(c)))
    d.start()
    sentry.wait_events([a, b, c])
    d.check_conservation()
    assert d.terminate() == 0
    for s in (early, between, tcp, unix, control, gram):
        s.close()
    shutil.rmtree(folder)


def tcp_socket():
    return socket.create_server(("127.0.0.1", 0))


def udp_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    return s


def a_pipe():
    return os.fdopen(os.pipe()[0])


@pytest.mark.parametrize("make,name", [
    (tcp_socket, "control"), (tcp_socket, "unix"), (tcp_socket, "unixgram"),
    (udp_socket, "http"), (udp_socket, "unixgram"), (udp_socket, "anything"),
    (socket.socket, "http"), (a_pipe, "http")])
def test_a_passed_socket_of_the_wrong_kind_is_refused(make_daemon, sentry, make, name):
    """Commands show payloads: they never come from the network."""
    s = make()
    d = make_daemon(sentry, wait=None, pass_fds=[s.fileno()], launcher=[
        sys.executable, "-c", ACTIVATE, "1", str(s.fileno()), name])
    d.expect_dead = True
    d.start(wait=False)
    assert d.wait_exit() not in (0, None)
    assert f'descriptor 3, passed as "{name}", is not a socket of that kind' in d.log()
    s.close()


class Manager:
    """What systemd hears on NOTIFY_SOCKET."""

    def __init__(self, abstract=False):
        self.dir = tempfile.mkdtemp(prefix="pkn")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = f"{self.dir}/n"
        self.sock.bind(f"\0{name}" if abstract else name)
        self.env = f"@{name}" if abstract else name

    def read(self, timeout=15.0):
        self.sock.settimeout(timeout * TIME_SCALE)
        return self.sock.recv(4096).decode().splitlines()

    def wait_for(self, line):
        while True:
            got = self.read()
            if line in got:
                return got

    def close(self):
        self.sock.close()
        shutil.rmtree(self.dir)


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_is_told(make_daemon, sentry, abstract):
    m = Manager(abstract)
    d = make_daemon(sentry, env={"NOTIFY_SOCKET": m.env})
    assert "READY=1" in m.read()
    d.process.send_signal(signal.SIGHUP)
    got = m.wait_for("RELOADING=1")
    assert any(line.startswith("MONOTONIC_USEC=") for line in got)
    m.wait_for("READY=1")
    d.process.send_signal(signal.SIGTERM)
    m.wait_for("STOPPING=1")
    assert d.wait_exit() == 0
    m.close()


def test_the_watchdog_is_fed(make_daemon, sentry):
    m = Manager()
    d = make_daemon(sentry, env={"NOTIFY_SOCKET": m.env, "WATCHDOG_USEC": "300000"})
    for _ in range(4):
        m.wait_for("WATCHDOG=1")
    assert d.running()
    m.close()


def test_a_deaf_service_manager_costs_nothing(make_daemon, sentry):
    m = Manager()
    d = make_daemon(sentry, env={"NOTIFY_SOCKET": m.env, "WATCHDOG_USEC": "20000"})
    # Its queue fills up; the daemon must not wait for it.
    wait_until(lambda: d.status()["uptime_s"] >= 1, 10, "a second")
    sentry.wait_event(d.send_event())
    m.close()
    sentry.wait_event(d.send_event())


# --- being quiet, and who it runs as ----------------------------------------


def switches(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text(encoding="ascii").splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def test_an_idle_daemon_sleeps(picketd, sentry):
    sentry.wait_event(picketd.send_event())
    picketd.wait_empty()
    # The keep-alive connections to the upstream may end first.
    wait_until(lambda: idle_rate(picketd.pid) <= 2.0, 40, "quiet")


def idle_rate(pid):
    before, start = switches(pid), time.monotonic()
    time.sleep(4.0)  # what is measured is this time
    return (switches(pid) - before) / (time.monotonic() - start)


def test_an_outage_is_waited_out_quietly(make_daemon, sentry):
    d = make_daemon(sentry, {"retry": {"min": "5s", "max": "60s"}})
    sentry.down()
    for _ in range(20):
        d.send_event()
    wait_until(lambda: idle_rate(d.pid) <= 4.0, 40, "quiet")


def test_it_runs_without_root(sentry, make_daemon, monkeypatch):
    if os.geteuid() != 0:
        return  # then every other test is this one

    def drop():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    d = make_daemon(sentry, wait=None, preexec=drop)
    os.chmod(d.dir, 0o755)
    os.chown(d.dir, 65534, 65534)
    # What root has built may lie where nobody else may look.
    monkeypatch.setattr(daemon, "PICKETD", shutil.copy(PICKETD, d.dir / "picketd"))
    d.start()
    sentry.wait_event(d.send_event())
    assert d.spool.stat().st_uid == 65534
    assert d.spool.stat().st_mode & 0o077 == 0, "payloads are nobody else's business"


def test_spool_files_are_private(picketd):
    picketd.send_event()
    for path in picketd.spool.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


# --- configuration ----------------------------------------------------------


def test_check_accepts_a_good_file(picketd):
    done = picketd_once("--check", "-c", str(picketd.conf_file))
    assert done.returncode == 0, done


@pytest.mark.parametrize("text,line,words", [
    ("[spool]\nmax_size = 2 potatoes\n", 2, ["max_size", "2 potatoes"]),
    ("[spool]\n\nmax_sise = 5M\n", 3, ["max_sise", "max_size"]),
    ("[spol]\nmax_size = 5M\n", None, ["spol", "spool"]),
    ("[upstream]\ndsn = ftp://x@h/1\n", 2, ["dsn"]),
    ("[upstream]\ndsn = https://h/1\n", 2, ["dsn"]),
    ("[upstream]\ndsn = https://" + "a" * 32 + "@h/\n", 2, ["dsn"]),
    ("[upstream]\ndsn = https://" + "a" * 32 + "@h/abc\n", 2, ["dsn"]),
    ("[spool]\nwhen_full = explode\n", 2, ["when_full", "explode", "evict"]),
    ("[retry]\nmin = -1s\n", 2, ["min"]),
    ("[listen]\nhttp = 127.0.0.1:99999\n", 2, ["http"]),
    ("[log]\nlevel = info\nlevel\n", 3, []),
    ("[upstream]\nheader = " + "x" * 5000 + "\n", None, []),
    ("nothing = here\n", 1, []),
])
def test_bad_files_are_refused_with_file_line_and_remedy_p004(tmp_path, text, line, words):
    conf = tmp_path / "bad.conf"
    conf.write_text(text)
    done = picketd_once("--check", "-c", str(conf))
    assert done.returncode == 78, done
    assert str(conf) in done.stderr
    if line:
        assert f"{conf}:{line}" in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_a_missing_file_is_said():
    done = picketd_once("--check", "-c", "/nonexistent/picket.conf")
    assert done.returncode == 78 and "/nonexistent/picket.conf" in done.stderr


def test_dump_config_masks_secrets_and_names_every_section(picketd, sentry):
    done = picketd_once("--dump-config", "-c", str(picketd.conf_file))
    assert done.returncode == 0
    for section in ("listen", "control", "upstream", "spool", "retry", "limits", "log"):
        assert f"[{section}]" in done.stdout
    assert sentry.key not in done.stdout
    with_secrets = picketd_once("--dump-config", "--secrets", "-c", str(picketd.conf_file))
    assert sentry.dsn in with_secrets.stdout
    again = pathlib.Path(picketd.dir / "again.conf")
    again.write_text(with_secrets.stdout)
    assert picketd_once("--check", "-c", str(again)).returncode == 0


def test_environment_overrides_and_expands(make_daemon, sentry):
    secret = tempfile.NamedTemporaryFile("w", suffix=".dsn")
    secret.write(sentry.dsn + "\n")
    secret.flush()
    d = make_daemon(None, {"upstream": {"dsn": "${file:" + secret.name + "}"},
                           "log": {"level": "${LEVEL:-debug}"}},
                    env={"PICKET_SPOOL_MAX_SIZE": "7M"})
    sentry.wait_event(d.send_event())
    assert d.status()["spool"]["max_bytes"] == 7 << 20


def test_sentry_dsn_alone_is_enough(make_daemon, sentry):
    d = make_daemon(None, args=[], wait=None)
    if pathlib.Path("/etc/picket/picket.conf").exists():
        pytest.fail("this machine has a picket of its own; the test would use its file")
    d.env = {"SENTRY_DSN": sentry.dsn, "PICKET_LISTEN_HTTP": "127.0.0.1:0",
             "PICKET_LISTEN_UNIX": str(d.unix), "PICKET_CONTROL_UNIX": str(d.control),
             "PICKET_SPOOL_DIR": str(d.spool)}
    d.start()
    sentry.wait_event(d.send_event())


def test_without_any_upstream_it_says_so():
    done = picketd_once(env={"PICKET_LISTEN_HTTP": "127.0.0.1:0"})
    assert done.returncode == 78
    assert "dsn" in done.stderr.lower()


def test_dev_needs_no_upstream(make_daemon):
    d = make_daemon(None, wait=None)
    d.args.append("--dev")
    d.start()
    eid = d.send_event()
    local = wait_until(lambda: d.status().get("local"), 10, "the local view")
    assert local[0]["event_id"].replace("-", "") == eid


@pytest.mark.parametrize("args,code", [(["--help"], 0), (["--version"], 0), (["--nonsense"], 64),
                                       (["surplus"], 64)])
def test_the_command_line(args, code):
    done = picketd_once(*args)
    assert done.returncode == code
    assert (done.stdout if code == 0 else done.stderr)


def test_it_listens_soon_with_a_large_spool(make_daemon, sentry):
    d = make_daemon(sentry)
    sentry.down()
    blob = os.urandom(500000)
    for _ in range(80):
        d.send_ok(wire.build({"event_id": wire.new_id()}, [({"type": "attachment"}, blob)]))
    d.kill9()
    start = time.monotonic()
    d.start()
    took = time.monotonic() - start
    # The bench measures; here only that starting does not read the whole spool.
    assert took < (30 if SANITIZED else 5)
    assert d.status()["spool"]["records"] == 80


def test_a_crash_leaves_no_core_dump_unless_somebody_debugs(make_daemon, sentry, tmp_path):
    """Memory holds what scrubbing takes out. Compared with a process that hides nothing,
    since a machine may keep no dumps at all."""
    def unlimited():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        os.chdir(tmp_path)

    def dumps(pid):
        os.kill(pid, signal.SIGABRT)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status)
        return os.WCOREDUMP(status)

    plain = subprocess.Popen(["sleep", "1000"], preexec_fn=unlimited)
    usual = dumps(plain.pid)
    plain.returncode = -signal.SIGABRT
    for level, may in (("info", False), ("debug", usual)):
        d = make_daemon(sentry, {"log": {"level": level}}, preexec=unlimited)
        d.expect_dead = True
        assert dumps(d.pid) == may, level
        d.process.returncode = -signal.SIGABRT


def test_a_pipe_among_the_settings_stops_no_daemon(picketd, sentry):
    """What a value comes from is read again at reload, by who serves everybody."""
    secret = picketd.dir / "secret"
    secret.write_text("from-a-file\n")
    picketd.set("event", server_name=f"${{file:{secret}}}")
    assert picketd.reload()["ev"] == "reloaded"
    secret.unlink()
    os.mkfifo(secret)
    told = picketd.reload()
    assert told["ev"] == "reload_failed" and "nothing came within a second" in told["why"], told
    sentry.wait_event(picketd.send_event())


def test_the_container_image_has_every_library(picketd):
    """The second stage of docker/Dockerfile installs what the daemon is linked with."""
    root = pathlib.Path(__file__).resolve().parents[2]
    stage = (root / "docker" / "Dockerfile").read_text().split("FROM ")[-1]
    listed = set(re.findall(r"\blib[a-z0-9.+-]+\b|zlib1g", stage))
    linked = subprocess.run(["ldd", PICKETD], capture_output=True, text=True, check=True).stdout
    direct = re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(
        ["readelf", "-d", PICKETD], capture_output=True, text=True, check=True).stdout)
    paths = dict(re.findall(r"(\S+) => (/\S+)", linked))
    owners = set()
    for name in direct:
        if name.startswith(("libc.so", "libm.so", "libpthread", "ld-linux", "libasan", "libubsan",
                            "libtsan")):
            continue
        # By name: /lib and /usr/lib are the same place.
        found = subprocess.run(["dpkg", "-S", "*/" + os.path.basename(os.path.realpath(paths[name]))],
                               capture_output=True, text=True, check=True).stdout
        owners.add(found.split(":")[0])
    assert owners, direct
    assert owners <= listed, f"docker/Dockerfile lacks {sorted(owners - listed)}"


def test_what_is_installed_can_be_read_by_the_user_of_the_service(tmp_path):
    """The unit and the image run the daemon as a user of its own."""
    root = pathlib.Path(__file__).resolve().parents[2]
    done = subprocess.run(
        ["make", "-s", "install", f"BUILD={BUILD}", f"DESTDIR={tmp_path}", "PREFIX=/usr"],
        cwd=root, capture_output=True, text=True, timeout=300 * TIME_SCALE, check=False)
    assert done.returncode == 0, done.stderr
    conf = tmp_path / "etc" / "picket"
    for path in (conf, conf / "conf.d", conf / "picket.conf"):
        need = 0o5 if path.is_dir() else 0o4
        assert path.stat().st_mode & need == need, oct(path.stat().st_mode)
    unit = (tmp_path / "usr/lib/systemd/system/picketd.service").read_text()
    assert re.search(r"^ConfigurationDirectoryMode=0755$", unit, re.M)
    assert re.search(r"^EnvironmentFile=-/etc/default/picketd$", unit, re.M), "for secrets"
