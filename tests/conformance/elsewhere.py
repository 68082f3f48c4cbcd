"""Runs the proofs that are not in Python: unit tests by name, flows, fuzzers."""

import fcntl
import json
import pathlib
import re
import subprocess
from dataclasses import dataclass

from settings import BUILD, ROOT, TIME_SCALE

OK = re.compile(r"\[\s+OK \] (\w+)")


def run(command, cwd=ROOT, seconds=120):
    return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=seconds * TIME_SCALE, check=False)


def once(folder, name, produce):
    """Each program runs once for all workers of a session."""
    cache = pathlib.Path(folder) / (name.replace("/", ".") + ".json")
    with open(cache.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cache.exists():
            cache.write_text(json.dumps(produce()))
        return json.loads(cache.read_text())


def built(path, how):
    program = BUILD / path
    assert program.exists(), f"{program} is not built ({how})"
    return str(program)


@dataclass(frozen=True)
class Unit:
    """Named tests of one program of tests/unit."""

    program: str
    tests: tuple

    def check(self, folder):
        def produce():
            done = run([built("unit/" + self.program, "make conformance")])
            return {"code": done.returncode, "ok": OK.findall(done.stdout + done.stderr),
                    "said": (done.stdout + done.stderr)[-4000:]}

        got = once(folder, self.program, produce)
        missing = [t for t in self.tests if t not in got["ok"]]
        assert not missing, f"{self.program} does not pass {missing}:\n{got['said']}"


@dataclass(frozen=True)
class Flow:
    """One play of tests/flow."""

    name: str

    def check(self, folder):
        script = ROOT / "tests" / "flow" / (self.name + ".flow")
        assert script.exists(), script

        def produce():
            done = run([built("flow/run", "make conformance"), str(script)])
            return {"code": done.returncode, "said": done.stdout + done.stderr}

        got = once(folder, "flow/" + self.name, produce)
        assert got["code"] == 0, got["said"]


@dataclass(frozen=True)
class Fuzzer:
    """A fuzzer and its seeds exist; where make fuzz has built it, it is run over them."""

    room: str
    name: str

    def check(self, folder):
        source = ROOT / "tests" / "fuzz" / self.room / f"fuzz_{self.name}.c"
        seeds = ROOT / "tests" / "fuzz" / "corpus" / self.name
        assert source.exists() and any(seeds.iterdir()), f"{source}, {seeds}"
        program = BUILD / "fuzzing" / "fuzz" / self.room / f"fuzz_{self.name}"
        if program.exists():
            done = run([str(program), "-runs=0", str(seeds)], cwd=folder)
            assert done.returncode == 0, done.stderr[-4000:]


def unit(program, *tests):
    return Unit(program, tests)
