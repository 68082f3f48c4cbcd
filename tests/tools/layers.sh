#!/bin/sh
# Checks that no room of src/ includes a header of a room it must not know.
# Arguments: one "room: allowed rooms" each, from the Makefile's table.
set -u
bad=0
for row in "$@"; do
	room=${row%%:*}
	allowed=${row#*:}
	for file in src/"$room"/*.[ch]; do
		[ -e "$file" ] || continue
		for from in $(sed -n 's|^#include "\([a-z]*\)/.*|\1|p' "$file" | sort -u); do
			case " $allowed " in
			*" $from "*) ;;
			*)
				echo "$file includes \"$from/\", which $room must not use"
				bad=1
				;;
			esac
		done
	done
done
[ $bad = 0 ] && echo "layers: every include points the right way"
exit $bad
