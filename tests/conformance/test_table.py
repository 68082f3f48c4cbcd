"""The table is complete, and its proofs hold."""

import ast
import pathlib
import re

import pytest

from tables import TABLES, missing

HERE = pathlib.Path(__file__).parent
# Those of T that are not here are about what the daemon does not do.
NUMBERS = {"P": range(1, 151), "S": range(1, 76),
           "T": [*range(1, 56), *range(59, 63), 99, 100]}


def written_here():
    found = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            m = isinstance(node, ast.FunctionDef) and re.match(r"test_([A-Z])(\d{3})_\w+$", node.name)
            if m:
                found.add((m[1], int(m[2])))
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.ABOUT.replace(" ", "-"))
def test_every_statement_has_a_test_or_a_reason(table):
    here = written_here()
    for n in table.SAYS:
        ways = ((table.LETTER, n) in here) + (n in table.PROVEN_ELSEWHERE) \
            + (n in table.NOT_TESTABLE) + (n in missing(table))
        assert ways == 1, f"{table.LETTER}-{n:03d} ({table.SAYS[n]}): {ways} ways instead of one"
    assert all(table.PROOFS.get(n) for n in table.PROVEN_ELSEWHERE)
    assert all(len(why) > 10 and "\n" not in why
               for why in [*table.NOT_TESTABLE.values(), *missing(table).values()])


def test_every_test_has_its_statement():
    known = {(table.LETTER, n) for table in TABLES for n in table.SAYS}
    assert written_here() <= known
    for letter, numbers in NUMBERS.items():
        assert sorted(n for is_of, n in known if is_of == letter) == list(numbers)


@pytest.fixture(scope="session")
def ran(tmp_path_factory, worker_id):
    """What the proofs of all workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "proofs"
    folder.mkdir(exist_ok=True)
    return folder


def proof(table, n):
    def test(ran):
        for p in table.PROOFS[n]:
            p.check(ran)
    test.__doc__ = table.SAYS[n]
    return test


for _table in TABLES:
    for _n in _table.PROOFS:
        globals()[f"test_{_table.LETTER}{_n:03d}_is_proven_elsewhere"] = proof(_table, _n)
