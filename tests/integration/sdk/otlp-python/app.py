"""An application with OpenTelemetry's own exporters: app.py DSN MARKER
The DSN becomes what Sentry's documentation tells: an endpoint and a header."""

import logging
import sys
import urllib.parse

from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def main(dsn, marker):
    d = urllib.parse.urlsplit(dsn)
    base = f"http://{d.hostname}:{d.port}/api{d.path}/integration/otlp/v1"
    headers = {"x-sentry-auth": f"sentry sentry_key={d.username}"}
    resource = Resource.create({"service.name": "app", "marker": marker})

    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(
        OTLPSpanExporter(base + "/traces", headers=headers, compression=Compression.Gzip)))
    trace.set_tracer_provider(spans)
    tracer = trace.get_tracer("app")
    with tracer.start_as_current_span(f"transaction {marker}"):
        with tracer.start_as_current_span("a step"):
            with tracer.start_as_current_span("a part"):
                pass
    spans.shutdown()

    logs = LoggerProvider(resource=resource)
    set_logger_provider(logs)
    logs.add_log_record_processor(SimpleLogRecordProcessor(
        OTLPLogExporter(base + "/logs", headers=headers)))
    logger = logging.getLogger("app")
    logger.addHandler(LoggingHandler(logger_provider=logs))
    logger.warning("log %s", marker)
    logs.shutdown()


main(*sys.argv[1:])
