#!/bin/sh
# The protocol's statements P-001 to P-150, one test or reason for each.
# usage: run.sh [pytest arguments]; needs the unit tests and the flow runner built (make conformance).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PICKET_TESTS=$here exec "$here/../integration/run.sh" "$@"
