"""What examples/ shows works: each of it is run, or held against the code."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

import wire
from settings import NODE_DIR, PICKET, PICKETD, ROOT, TIME_SCALE

EXAMPLES = ROOT / "examples"
MANIFESTS = sorted((EXAMPLES / "kubernetes").glob("*.yaml"))
COMPOSE = EXAMPLES / "compose" / "compose.yaml"


def run(*args, env=None, **kw):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True,
                          timeout=60 * TIME_SCALE, check=False,
                          env={**os.environ, **(env or {})}, **kw)


def settings(*args, env=None):
    """{"spool.dir": "/var/lib/picket", ...} as picketd sees them."""
    done = run(PICKETD, *args, "--dump-config", env=env)
    assert done.returncode == 0, done.stderr
    found, section = {}, ""
    for line in done.stdout.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif re.match(r"[a-z_0-9]+ =", line):
            key, _, value = line.partition(" =")
            found[f"{section}.{key}"] = value.strip()
    return found


@pytest.fixture(scope="module")
def defaults(tmp_path_factory):
    empty = tmp_path_factory.mktemp("conf") / "picket.conf"
    empty.write_text("")
    return settings("-c", empty, env={"SENTRY_DSN": "https://key@sentry.example/1"})


def test_the_page_lists_each_of_them():
    page = (EXAMPLES / "README.md").read_text()
    listed = set(re.findall(r"\]\(([^)]+)\)", page))
    there = {str(p.relative_to(EXAMPLES)) for p in EXAMPLES.rglob("*")
             if p.is_file() and p.parent.name != "rules" and p.name != "README.md"}
    assert listed == there | {"rules/README.md"}


# --- applications and scripts --------------------------------------------------------------

@pytest.mark.parametrize("command", [
    [sys.executable, EXAMPLES / "python" / "app.py"], ["node", EXAMPLES / "node" / "app.cjs"]],
    ids=["python", "node"])
def test_an_application_needs_nothing_but_its_dsn(picketd, sentry, command):
    done = run(*command, env={"SENTRY_DSN": picketd.dsn(),
                              "NODE_PATH": str(NODE_DIR / "node_modules")})
    assert done.returncode == 0, done.stderr
    eid = re.search(r"^event ([0-9a-f]{32})$", done.stdout, re.M).group(1)
    sentry.wait_event(eid)
    # A transaction, or the spans that newer SDKs send one by one.
    sentry.wait_for(lambda: any(b'"monthly figures"' in i.payload for kind in ("transaction", "span")
                                for i in sentry.items(kind)), 20, "the trace")
    if "python" in str(command[1]):
        sentry.wait_for(lambda: any(b"adding up" in i.payload for i in sentry.items("log")), 20,
                        "the log entry")


def nightly(d, *command, conf=None):
    return run(EXAMPLES / "shell" / "nightly.sh", *command,
               env={"PICKET": PICKET, "PICKET_CONFIG": str(conf or d.conf_file)})


def test_a_job_that_fails_is_told_with_what_it_printed(picketd, sentry):
    done = nightly(picketd, "sh", "-c", "echo no space left; exit 3")
    assert done.returncode == 3 and "no space left" in done.stdout
    sentry.wait_for(lambda: sentry.items("event"), 20, "the event")
    event = sentry.items("event")[0].json()
    assert "sh ended with status 3" in str(event["message"])
    assert event["tags"]["job"] == "sh" and event["extra"]["status"] == "3"
    assert b"no space left\n" in [i.payload for i in sentry.items("attachment")]


def test_a_job_that_works_is_not_told(picketd, sentry):
    assert nightly(picketd, "true").returncode == 0
    eid = picketd.send_event()
    sentry.wait_event(eid)
    assert len(sentry.items("event")) == 1


def test_a_job_keeps_its_status_without_a_daemon(tmp_path):
    conf = tmp_path / "picket.conf"
    conf.write_text(f"[listen]\nhttp = off\nunix = {tmp_path}/nobody.sock\n")
    assert nightly(None, "sh", "-c", "exit 7", conf=conf).returncode == 7


@pytest.mark.parametrize("way", ["http", "unix"])
def test_an_envelope_by_hand(picketd, sentry, way):
    to = picketd.unix if way == "unix" else f"http://{picketd.http[0]}:{picketd.http[1]}"
    done = run(EXAMPLES / "shell" / "by-hand.sh", way, to)
    assert done.returncode == 0, done.stderr
    eid = re.search(r'"id":"([0-9a-f]{32})"', done.stdout).group(1)
    sentry.wait_event(eid)


# --- settings ------------------------------------------------------------------------------

def test_the_edge_device_is_set_up_as_it_says(defaults):
    conf = EXAMPLES / "edge" / "picket.conf"
    env = {"SENTRY_DSN": "https://key@sentry.example/1"}
    done = run(PICKETD, "-c", conf, "--check", env=env)
    assert done.returncode == 0, done.stderr
    own = settings("-c", conf, env=env)
    assert own["spool.max_age"] == "14d" and own["spool.order"] == "newest"
    changed = {k for k in own if own[k] != defaults.get(k)}
    assert changed >= {"spool.max_age", "spool.max_size", "spool.order", "spool.when_limited",
                       "retry.min", "retry.max", "batch.window", "upstream.connections",
                       "sampling.transactions"}


def containers(document):
    spec = document["spec"].get("template", document)["spec"]
    for c in spec.get("initContainers", []) + spec["containers"]:
        yield spec, c


def manifests():
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            for spec, c in containers(document):
                if c["image"].startswith("picket:"):
                    yield path.name, spec, c


def test_what_containers_are_told_is_what_the_daemon_knows(defaults):
    compose = yaml.safe_load(COMPOSE.read_text())["services"]["picket"]["environment"]
    told = [(COMPOSE.name, name) for name in compose]
    told += [(where, e["name"]) for where, _, c in manifests() for e in c.get("env", [])]
    assert len(told) > 8
    known = {"PICKET_" + k.replace(".", "_").upper() for k in defaults}
    known |= {"SENTRY_DSN", "POD_NAME", "POD_NAMESPACE", "NODE_NAME"}
    assert [t for t in told if t[1] not in known] == []


def test_images_users_and_folders_are_those_of_the_image(defaults):
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    version = re.search(r"^VERSION +:= (\S+)$", (ROOT / "Makefile").read_text(), re.M).group(1)
    uid = int(re.search(r"--uid (\d+)", dockerfile).group(1))
    folders = {defaults["spool.dir"], str(pathlib.Path(defaults["listen.unix"]).parent)}
    seen = 0
    for where, spec, c in manifests():
        volumes = {v["name"] for v in spec["volumes"]}
        assert c["image"] == f"picket:{version}", where
        assert {m["mountPath"] for m in c["volumeMounts"]} <= folders, where
        assert {m["name"] for m in c["volumeMounts"]} <= volumes, where
        if "command" in c:
            assert str(uid) in c["command"] and defaults["spool.dir"] in c["command"]
            continue
        assert c["securityContext"]["runAsUser"] == uid, where
        assert c["securityContext"]["readOnlyRootFilesystem"] is True
        assert {m["mountPath"] for m in c["volumeMounts"]} == folders, where
        seen += 1
    assert seen == len(MANIFESTS)
    service = yaml.safe_load(COMPOSE.read_text())["services"]["picket"]
    assert service["image"] == f"picket:{version}" and f"uid={uid}," in service["tmpfs"][0]
    mounted = {v.split(":")[1] for v in service["volumes"]} | {
        t.split(":")[0] for t in service["tmpfs"]}
    assert mounted == folders


def test_ports_are_the_one_that_is_listened_on(defaults):
    port = defaults["listen.http"].rsplit(":", 1)[1]
    for path in [*MANIFESTS, COMPOSE, EXAMPLES / "python" / "app.py",
                 EXAMPLES / "node" / "app.cjs", EXAMPLES / "README.md"]:
        found = set(re.findall(r"(?:127\.0\.0\.1|0\.0\.0\.0|picket|\$\(NODE_IP\)):(\d+)\b(?!\.)",
                               path.read_text()))
        assert found == {port}, path


def test_probes_ask_for_what_there_is(picketd):
    probes = [c[k] for _, _, c in manifests()
              for k in ("startupProbe", "livenessProbe", "readinessProbe") if k in c]
    assert len(probes) == 4
    for p in probes:
        if "exec" in p:
            verb = p["exec"]["command"]
            assert verb[0] == "picket" and picketd.cli(*verb[1:]).returncode == 0
        else:
            assert picketd.get(p["httpGet"]["path"]).status == 200


def test_a_node_is_reached_by_its_address(make_daemon, sentry):
    """allow_host = * of the DaemonSet; a service's name in compose.yaml."""
    compose = yaml.safe_load(COMPOSE.read_text())["services"]
    name = re.search(r"@([^:]+):", compose["app"]["environment"]["SENTRY_DSN"]).group(1)
    assert compose["picket"]["environment"]["PICKET_LISTEN_ALLOW_HOST"] == name
    for allowed, host in (("*", "10.1.2.3:4690"), (name, f"{name}:4690")):
        d = make_daemon(upstream=sentry, conf={"listen": {"allow_host": allowed}})
        eid = wire.new_id()
        r = d.send(wire.event(eid), headers=[("Host", host)])
        assert r.status == 200, r
        sentry.wait_event(eid)
