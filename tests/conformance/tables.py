"""The tables of statements. Each module has a LETTER, what its statements are ABOUT,
what they say, and how they are proven (see statements.py)."""

import judgement_statements
import scrub_statements
import statements
from scrub_statements import PRIVACY

TABLES = (statements, scrub_statements, PRIVACY, judgement_statements)
