"""An application with an unmodified sentry-sdk, run as a process of its own:
sdk_app.py DSN MARKER"""

import logging
import sys

import sentry_sdk


def main(dsn, marker):
    sentry_sdk.init(dsn=dsn, traces_sample_rate=1.0, release="app@1.0", environment="it",
                    enable_logs=True, auto_session_tracking=False, shutdown_timeout=10)
    sentry_sdk.set_tag("marker", marker)
    sentry_sdk.get_isolation_scope().start_session()
    with sentry_sdk.start_transaction(op="task", name=f"transaction {marker}"):
        with sentry_sdk.start_span(op="step", name="a step"):
            pass
    sentry_sdk.logger.warning(f"log {marker}", attributes={"n": 1})
    logging.getLogger("app").info("only a breadcrumb")
    scope = sentry_sdk.get_current_scope()
    scope.add_attachment(bytes=b"\x00attachment " + marker.encode() + b"\r\n\xff",
                         filename="a.bin")
    try:
        raise ValueError(f"error {marker}")
    except ValueError:
        sentry_sdk.capture_exception()
    scope.clear_breadcrumbs()
    sentry_sdk.capture_message(f"message {marker}")
    sentry_sdk.get_isolation_scope().end_session()
    sentry_sdk.flush(timeout=15)


main(sys.argv[1], sys.argv[2])
