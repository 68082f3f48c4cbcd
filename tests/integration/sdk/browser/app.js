// A page with an unmodified @sentry/browser: ?DSN, MARKER and LIFECYCLE in its query.
// LIFECYCLE: static sends whole transactions, stream sends spans.
import * as Sentry from "@sentry/browser";

const [dsn, marker, traceLifecycle] = ["dsn", "marker", "lifecycle"].map((name) =>
  new URLSearchParams(location.search).get(name),
);

Sentry.init({
  dsn,
  release: "app@1.0",
  environment: "it",
  tracesSampleRate: 1.0,
  traceLifecycle,
  enableLogs: true,
});

function inner() {
  throw new TypeError(`error ${marker}`);
}

function outer() {
  inner();
}

Sentry.setTag("marker", marker);
Sentry.startSpan({ name: `transaction ${marker}`, op: "task" }, () => {
  Sentry.startSpan({ name: "a step", op: "step" }, () => {
    Sentry.startSpan({ name: "a part", op: "part" }, () => {});
  });
});
Sentry.logger.warn(`log ${marker}`, { n: 1 });
Sentry.withScope((scope) => {
  scope.addAttachment({
    filename: "a.bin",
    data: new Uint8Array([0, ...new TextEncoder().encode(`attachment ${marker}\r\n`), 255]),
  });
  try {
    outer();
  } catch (e) {
    Sentry.captureException(e);
  }
});
Sentry.captureMessage(`message ${marker}`);
const flushed = await Sentry.close(15000);
await fetch("/done", { method: "POST", body: flushed ? "" : "not flushed in time" });
