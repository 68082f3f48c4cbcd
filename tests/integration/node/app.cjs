// An application with an unmodified @sentry/node: app.cjs DSN MARKER LIFECYCLE
// LIFECYCLE: static sends whole transactions, stream sends spans.
"use strict";

const Sentry = require("@sentry/node");

const [dsn, marker, traceLifecycle] = process.argv.slice(2);

Sentry.init({
  dsn,
  release: "app@1.0",
  environment: "it",
  tracesSampleRate: 1.0,
  traceLifecycle,
  enableLogs: true,
});

async function main() {
  Sentry.setTag("marker", marker);
  Sentry.startSession();
  Sentry.startSpan({ name: `transaction ${marker}`, op: "task" }, () => {
    Sentry.startSpan({ name: "a step", op: "step" }, () => {});
  });
  Sentry.logger.warn(`log ${marker}`, { n: 1 });
  Sentry.withScope((scope) => {
    scope.addAttachment({
      filename: "a.bin",
      data: new Uint8Array([0, ...Buffer.from(`attachment ${marker}\r\n`), 255]),
    });
    Sentry.captureException(new Error(`error ${marker}`));
  });
  Sentry.captureMessage(`message ${marker}`);
  Sentry.endSession();
  if (!(await Sentry.close(15000))) {
    console.error("not flushed in time");
    process.exitCode = 1;
  }
}

main();
