#!/bin/sh
# Numbered statements of protocol, scrubbing and judgement, one test or reason for each (tables.py).
# usage: run.sh [pytest arguments]; needs the unit tests and the flow runner built (make conformance).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PICKET_TESTS=$here exec "$here/../integration/run.sh" "$@"
