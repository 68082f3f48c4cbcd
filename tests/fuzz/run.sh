#!/bin/sh
# Runs every fuzzer for a while over its corpus: run.sh DIRECTORY SECONDS.
# What they find is left below DIRECTORY; the corpora in the tree do not change.
set -eu
dir=$1
seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
ran=0
for fuzzer in "$dir"/*/fuzz_*; do
	case $fuzzer in
	*.d | *.o) continue ;;
	esac
	[ -x "$fuzzer" ] || continue
	name=${fuzzer##*/fuzz_}
	grown=$dir/grown/$name
	mkdir -p "$grown"
	printf 'fuzz %-14s ' "$name"
	if ! "$fuzzer" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix="$dir/found-$name-" "$grown" "$here/corpus/$name" \
		>"$dir/$name.log" 2>&1; then
		echo "FAILED"
		tail -n 40 "$dir/$name.log"
		exit 1
	fi
	grep -o 'Done [0-9]* runs' "$dir/$name.log"
	ran=$((ran + 1))
done
[ $ran -gt 0 ] || { echo "no fuzzers in $dir"; exit 1; }
echo "fuzzers: $ran passed, 0 failed"
