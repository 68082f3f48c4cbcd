#!/bin/sh
# Format, static analysis and manual pages. Arguments: clang, preprocessor flags.
set -eu
# The version is a quoted string, which does not survive the words below.
flags=$(printf "%s" "$2" | sed "s/-DPICKET_VERSION=[^ ]*//")

sources=$(find src tests -name '*.[ch]')
echo "lint: clang-format"
# shellcheck disable=SC2086
clang-format --dry-run -Werror $sources

echo "lint: clang-tidy"
find src -name '*.c' | xargs -P 2 -n 8 sh -c '
	flags=$1; shift
	clang-tidy --quiet --warnings-as-errors="*" "$@" -- -std=c11 "-DPICKET_VERSION=\"0\"" $flags 2>/dev/null
' sh "$flags"

echo "lint: cppcheck"
cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,portability \
	--suppress=missingIncludeSystem -j 2 -Isrc -Iinclude -D_GNU_SOURCE \
	-DPICKET_VERSION='"0"' src

echo "lint: manual pages"
for page in man/*.[1-8]; do
	mandoc -Tlint -Wwarning "$page"
done
echo "lint: clean"
