// An application with an unmodified raven-node: app.cjs DSN MARKER
"use strict";

const Raven = require("raven");

const [dsn, marker] = process.argv.slice(2);

function inner() {
  throw new TypeError(`error ${marker}`);
}

function outer() {
  inner();
}

Raven.config(dsn, { release: "app@1.0", environment: "it", tags: { marker } }).install();

function sent(err) {
  if (err) {
    console.error(err);
    process.exitCode = 1;
  }
}

try {
  outer();
} catch (e) {
  Raven.captureException(e, sent);
}
Raven.captureMessage(`message ${marker}`, sent);
