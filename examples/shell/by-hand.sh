#!/bin/sh
# One envelope without any SDK, in the two ways that need no code: HTTP by curl, and
# raw over the Unix socket by socat, ended by closing.
#
#     by-hand.sh http http://127.0.0.1:4690
#     by-hand.sh unix /run/picket/picket.sock
set -eu

# Thirty-two hexadecimal digits.
id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
envelope() {
	printf '{"event_id":"%s"}\n{"type":"event"}\n{"message":"by hand","level":"info"}\n' "$id"
}

case ${1:-} in
http)
	envelope | curl -sS --fail-with-body --data-binary @- "$2/api/1/envelope/?sentry_key=app"
	;;
unix)
	envelope | socat -t 10 - "UNIX-CONNECT:$2"
	;;
*)
	echo "usage: by-hand.sh http URL | unix SOCKET" >&2
	exit 64
	;;
esac
echo
