"""An application with an unmodified sentry-sdk 1.9, which sends errors to the store
endpoint and knows no check-ins: app.py DSN MARKER"""

import sys

import sentry_sdk


def inner(marker):
    raise ValueError(f"error {marker}")


def outer(marker):
    inner(marker)


def main(dsn, marker):
    sentry_sdk.init(dsn=dsn, traces_sample_rate=1.0, release="app@1.0", environment="it",
                    auto_session_tracking=False, shutdown_timeout=10)
    sentry_sdk.set_tag("marker", marker)
    with sentry_sdk.start_transaction(op="task", name=f"transaction {marker}"):
        with sentry_sdk.start_span(op="step", description="a step"):
            with sentry_sdk.start_span(op="part", description="a part"):
                pass
    try:
        outer(marker)
    except ValueError:
        sentry_sdk.capture_exception()
    sentry_sdk.capture_message(f"message {marker}")
    sentry_sdk.flush(timeout=15)


main(*sys.argv[1:])
