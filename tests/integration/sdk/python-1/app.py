"""An application with an unmodified sentry-sdk 1: app.py DSN MARKER
Older releases of it have no check-ins, and send errors to the store endpoint."""

import sys

import sentry_sdk


def inner(marker):
    raise ValueError(f"error {marker}")


def outer(marker):
    inner(marker)


def main(dsn, marker):
    sentry_sdk.init(dsn=dsn, traces_sample_rate=1.0, release="app@1.0", environment="it",
                    auto_session_tracking=False, shutdown_timeout=10)
    hub = sentry_sdk.Hub.current
    sentry_sdk.set_tag("marker", marker)
    hub.start_session()
    with sentry_sdk.start_transaction(op="task", name=f"transaction {marker}"):
        with sentry_sdk.start_span(op="step", description="a step"):
            with sentry_sdk.start_span(op="part", description="a part"):
                pass
    if hasattr(sentry_sdk, "crons"):
        with sentry_sdk.crons.monitor(monitor_slug="nightly"):
            pass
    with sentry_sdk.push_scope() as scope:
        scope.add_attachment(bytes=b"\x00attachment " + marker.encode() + b"\r\n\xff",
                             filename="a.bin")
        try:
            outer(marker)
        except ValueError:
            sentry_sdk.capture_exception()
    sentry_sdk.capture_message(f"message {marker}")
    hub.end_session()
    sentry_sdk.flush(timeout=15)


main(*sys.argv[1:])
