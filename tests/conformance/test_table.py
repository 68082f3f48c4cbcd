"""The table is complete, and its proofs hold."""

import ast
import pathlib
import re

import pytest

from statements import NOT_TESTABLE, PROOFS, PROVEN_ELSEWHERE, SAYS

HERE = pathlib.Path(__file__).parent


def written_here():
    numbers = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            m = isinstance(node, ast.FunctionDef) and re.match(r"test_P(\d{3})_\w+$", node.name)
            if m:
                numbers.add(int(m[1]))
    return numbers


def test_every_statement_has_a_test_or_a_reason():
    assert sorted(SAYS) == list(range(1, 151))
    here = written_here()
    for n in SAYS:
        ways = (n in here) + (n in PROVEN_ELSEWHERE) + (n in NOT_TESTABLE)
        assert ways == 1, f"P-{n:03d} ({SAYS[n]}): {ways} ways instead of one"
    assert all(PROOFS.get(n) for n in PROVEN_ELSEWHERE)
    assert all(len(why) > 10 and "\n" not in why for why in NOT_TESTABLE.values())


@pytest.fixture(scope="session")
def ran(tmp_path_factory, worker_id):
    """What the proofs of all workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "proofs"
    folder.mkdir(exist_ok=True)
    return folder


def proof(n):
    def test(ran):
        for p in PROOFS[n]:
            p.check(ran)
    test.__doc__ = SAYS[n]
    return test


for _n in PROOFS:
    globals()[f"test_P{_n:03d}_is_proven_elsewhere"] = proof(_n)
