"""An application that hands its errors, traces and logs to picket.

Nothing here knows about picket but the DSN: any key and project will do, and what
they stand for is the daemon's affair.

    pip install sentry-sdk
    SENTRY_DSN=http://app@127.0.0.1:4690/1 python app.py
"""

import os

import sentry_sdk

sentry_sdk.init(
    dsn=os.environ.get("SENTRY_DSN", "http://app@127.0.0.1:4690/1"),
    # The daemon samples; the SDK need not.
    traces_sample_rate=1.0,
    enable_logs=True,
    # The daemon answers in a millisecond or two: there is nothing to wait for.
    shutdown_timeout=2,
)


def divide(a, b):
    return a / b


with sentry_sdk.start_transaction(op="task", name="monthly figures"):
    with sentry_sdk.start_span(op="step", name="add up"):
        sentry_sdk.logger.info("adding up {count} accounts", count=3)
    try:
        divide(1, 0)
    except ZeroDivisionError:
        print("event", sentry_sdk.capture_exception())
