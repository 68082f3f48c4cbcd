#!/bin/sh
# Runs every benchmark that was built below $BUILD/bench and prints one table.
#
# usage: BUILD=build tests/bench/run.sh [--write]
#
# --write puts the table and the machine into docs/performance.md. A missed
# target is shown and is no failure; a benchmark that did not run is one.
#
# A figure is a line "name value=V ..." or "name ratio=R ...", with target=T
# (at least) or target<=T (at most) where there is one. "#" lines are remarks.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
BUILD=$(cd "$BUILD" && pwd)
export BUILD
cd "$root"

work=$(mktemp -d "$BUILD/bench-run-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
PICKET_BENCH_DIR=$work
export PICKET_BENCH_DIR
lines=$work/lines
failed=""

# The figures as they come, on the terminal too; $1 names the program.
run() {
	echo "== $*" >&2
	if ! "$@" >"$work/out"; then
		failed="$failed $1"
	fi
	cat "$work/out" >&2
	cat "$work/out" >>"$lines"
}

: >"$lines"
for program in "$BUILD"/bench/*/bench_*; do
	case $program in
	*.d | *.o | "$BUILD"/bench/system/*) continue ;;
	esac
	[ -x "$program" ] && run "$program"
done
run python3 "$here/system/system.py"

awk -f "$here/table.awk" "$lines" >"$work/table"
echo
cat "$work/table"

if [ "${1:-}" = --write ]; then
	{
		echo "Measured $(date -u +%Y-%m-%d) on $(nproc) cores, build directory on" \
			"$(df --output=fstype "$BUILD" | tail -n 1), $(${CC:-cc} --version | head -n 1)."
		echo
		cat "$work/table"
		echo
	} >"$work/section"
	awk -v section="$work/section" '
		/^<!-- measured: begin/ { print; while ((getline line < section) > 0) print line; skip = 1 }
		/^<!-- measured: end/ { skip = 0 }
		!skip { print }' docs/performance.md >"$work/page"
	cat "$work/page" >docs/performance.md
	echo "docs/performance.md: written"
fi

if [ -n "$failed" ]; then
	echo "did not run:$failed" >&2
	exit 1
fi
