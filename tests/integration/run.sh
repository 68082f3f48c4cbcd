#!/bin/sh
# Black-box tests: installs what they need below $BUILD, then runs them.
# usage: run.sh [pytest arguments]; BUILD, PICKETD, PICKET, PICKET_SANITIZED are honoured,
# and PICKET_TESTS, another folder of tests that use these helpers.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
mkdir -p "$BUILD"
BUILD=$(cd "$BUILD" && pwd)
export BUILD

venv=$BUILD/venv
if ! cmp -s "$root/tests/requirements.txt" "$venv/installed"; then
	rm -rf "$venv"
	python3 -m venv "$venv"
	"$venv/bin/pip" install -q --disable-pip-version-check -r "$root/tests/requirements.txt"
	cp "$root/tests/requirements.txt" "$venv/installed"
fi

node=$BUILD/node
if ! cmp -s "$here/node/package.json" "$node/installed"; then
	rm -rf "$node"
	mkdir -p "$node"
	cp "$here/node/package.json" "$node/"
	(cd "$node" && npm install --no-package-lock --no-audit --no-fund --loglevel=error)
	cp "$here/node/package.json" "$node/installed"
fi

for client in "$here"/sdk/*/; do
	"$here/sdk/install.sh" "$(basename "$client")"
done

cd "${PICKET_TESTS:-$here}"
# Two workers: most of a test's time is waiting for a disk flush or an answer.
exec "$venv/bin/python" -m pytest -q -n "${PICKET_TEST_JOBS:-2}" "$@"
