"""Where the programs under test are, and how patient to be with them."""

import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).resolve()
PICKETD = os.environ.get("PICKETD", str(BUILD / "picketd"))
PICKET = os.environ.get("PICKET", str(BUILD / "picket"))
NODE_DIR = pathlib.Path(os.environ.get("PICKET_NODE_DIR", BUILD / "node"))
CAPTURED = ROOT / "tests" / "data" / "captured"

# A build with sanitizers is slower; nothing below depends on being quick.
SANITIZED = os.environ.get("PICKET_SANITIZED", "") not in ("", "0")
TIME_SCALE = 6.0 if SANITIZED else float(os.environ.get("PICKET_TIME_SCALE", "1"))
