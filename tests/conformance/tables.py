"""The tables of statements. Each module has a LETTER, what its statements are ABOUT,
what they say, and how they are proven (see statements.py); DOES_NOT_HOLD, where it
is there, says why for statements that picket does not keep."""

import judgement_statements
import scrub_statements
import statements
from scrub_statements import PRIVACY

TABLES = (statements, scrub_statements, PRIVACY, judgement_statements)


def missing(table):
    """Statement -> why it is known not to hold; few tables have such."""
    return getattr(table, "DOES_NOT_HOLD", {})
