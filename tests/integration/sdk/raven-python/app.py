"""An application with an unmodified raven: app.py DSN MARKER"""

import sys

import raven


def inner(marker):
    raise ValueError(f"error {marker}")


def outer(marker):
    inner(marker)


def main(dsn, marker):
    # A busy machine is no failure.
    client = raven.Client(f"{dsn}?timeout=30", release="app@1.0", environment="it", tags={"marker": marker},
                          transport=raven.transport.http.HTTPTransport)
    try:
        outer(marker)
    except ValueError:
        client.captureException()
    client.captureMessage(f"message {marker}")


main(*sys.argv[1:])
