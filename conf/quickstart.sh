#!/bin/sh
# What "make run" does after building: starts picketd as the current user under
# build/run, sends it one event, shows what became of it, and stays until Ctrl-C.
set -eu

BUILD=${BUILD:-build}
PICKET_RUN_DIR=${PICKET_RUN_DIR:-$BUILD/run}
PICKET_CONFIG=conf/quickstart.conf
export PICKET_RUN_DIR PICKET_CONFIG
mkdir -p "$PICKET_RUN_DIR"

dev=
[ -n "${SENTRY_DSN:-}" ] || dev=--dev

# In a session of its own, so that Ctrl-C reaches the daemon once, through the
# trap: a second signal would end it without its last commits.
# shellcheck disable=SC2086
setsid "$BUILD/picketd" $dev &
daemon=$!
trap 'kill $daemon 2>/dev/null; wait $daemon; exit 0' HUP INT TERM

until "$BUILD/picket" healthcheck >/dev/null 2>&1; do
	kill -0 $daemon 2>/dev/null || { wait $daemon; exit $?; }
	sleep 0.05
done

address=$("$BUILD/picketd" $dev --dump-config | sed -n 's/^http = //p')
id=$("$BUILD/picket" send --message "Hello from make run" --level info --tag demo=yes)

# The event has a life of its own by now: wait for its next station.
tries=0
until "$BUILD/picket" why "$id" | grep -Eq 'sent|dropped|dead|refused' || [ $tries -ge 100 ]; do
	tries=$((tries + 1))
	sleep 0.05
done

echo
echo "Event $id was accepted, and this is its life so far:"
"$BUILD/picket" why "$id"
echo
if [ -n "$dev" ]; then
	echo "No SENTRY_DSN is set: envelopes end in the local view, here and on the dashboard."
else
	echo "Envelopes go to the project of SENTRY_DSN. \"$BUILD/picket status\" shows how it fares."
fi
echo "Dashboard   http://$address/"
echo "DSN         http://app@$address/1        (give this to any Sentry SDK)"
echo "Stop with Ctrl-C; what is spooled waits in $PICKET_RUN_DIR."
wait $daemon
