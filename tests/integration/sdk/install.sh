#!/bin/sh
# Gets or builds one client below $BUILD/sdk, unless that was done from the same files.
# usage: install.sh NAME, a folder beside this script
set -eu

from=$(cd "$(dirname "$0")/$1" && pwd)
to=$BUILD/sdk/$1
log=$BUILD/sdk/$1.log
sum=$(cd "$from" && find . -type f | LC_ALL=C sort | xargs cksum | cksum)
if [ "$(cat "$to/installed" 2>/dev/null)" = "$sum" ]; then
	exit 0
fi
mkdir -p "$to"
rm -f "$to/installed"
cp -R "$from/." "$to/"
cd "$to"

pip_install() {
	rm -rf lib
	"$BUILD/venv/bin/pip" install -q --disable-pip-version-check --root-user-action=ignore \
		--target lib -r requirements.txt
}

npm_install() {
	npm install --no-package-lock --no-audit --no-fund --loglevel=error
}

install() {
	if [ -f requirements.txt ]; then pip_install; fi
	if [ -f package.json ]; then npm_install; fi
	if [ -f app.js ]; then
		node_modules/.bin/esbuild app.js --bundle --format=esm --log-level=warning --outfile=bundle.js
	fi
	if [ -f go.mod ]; then CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -o app .; fi
	if [ -f Cargo.toml ]; then cargo build -q; fi
	if [ -f pom.xml ]; then
		mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
			-DoutputDirectory=lib
		javac -cp 'lib/*' App.java
	fi
}

# Debian's compilers of Go and Rust may be older than the least these SDKs want.
too_old() {
	echo "tests/integration: $1 is left out: $2" | tee unavailable
	echo "$sum" >installed
	exit 0
}
rm -f unavailable
if [ -f go.mod ]; then
	go version 2>/dev/null | grep -Eq 'go1\.(2[5-9]|[3-9][0-9])' || too_old "$1" "Go 1.25 is needed"
fi
if [ -f Cargo.toml ]; then
	cargo --version 2>/dev/null | grep -Eq ' 1\.(89|9[0-9]|[1-9][0-9]{2})\.' ||
		too_old "$1" "Rust 1.89 is needed"
fi

echo "tests/integration: getting $1"
# set -e is off inside a condition, so a shell of its own.
(set -e; install) >"$log" 2>&1 &
if ! wait $!; then
	cat "$log" >&2
	echo "tests/integration/sdk/$1 could not be made ready" >&2
	exit 1
fi
echo "$sum" >installed
