//! An application with an unmodified sentry crate: app DSN MARKER

use std::time::Duration;

use sentry::protocol::{Attachment, Context, MonitorCheckIn, MonitorCheckInStatus, Value};

#[derive(Debug)]
struct Broken(String);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Broken {}

#[inline(never)]
fn inner(marker: &str) {
    // The crate takes the stack of a message, an event or a panic, not of an error.
    let mut event = sentry::event_from_error(&Broken(format!("error {marker}")));
    event.exception.values[0].stacktrace = sentry::integrations::backtrace::current_stacktrace();
    sentry::capture_event(event);
}

#[inline(never)]
fn outer(marker: &str) {
    inner(marker);
}

fn trace(marker: &str) {
    let tx = sentry::start_transaction(sentry::TransactionContext::new(
        &format!("transaction {marker}"),
        "task",
    ));
    let step = tx.start_child("step", "a step");
    step.start_child("part", "a part").finish();
    step.finish();
    tx.finish();
}

fn check_in(id: sentry::types::Uuid, status: MonitorCheckInStatus) {
    let mut envelope = sentry::Envelope::new();
    envelope.add_item(MonitorCheckIn {
        check_in_id: id,
        monitor_slug: "nightly".into(),
        status,
        environment: Some("it".into()),
        duration: None,
        monitor_config: None,
    });
    let client = sentry::Hub::current().client().expect("a client");
    client.send_envelope(envelope);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let marker = args[2].as_str();
    let guard = sentry::init((
        args[1].as_str(),
        sentry::ClientOptions::new()
            .release("app@1.0")
            .environment("it")
            .traces_sample_rate(1.0)
            .shutdown_timeout(Duration::from_secs(15)),
    ));
    sentry::configure_scope(|scope| {
        scope.set_tag("marker", marker);
        scope.set_context("numbers", Context::Other([
            ("big".to_string(), Value::from(u64::MAX)),
        ].into()));
    });
    sentry::start_session();
    trace(marker);
    sentry::logger_warn!(n = 1, "log {}", marker);
    let id = sentry::types::random_uuid();
    check_in(id, MonitorCheckInStatus::InProgress);
    check_in(id, MonitorCheckInStatus::Ok);
    sentry::with_scope(
        |scope| {
            let mut bytes = vec![0];
            bytes.extend_from_slice(format!("attachment {marker}\r\n").as_bytes());
            bytes.push(0xff);
            scope.add_attachment(Attachment {
                buffer: bytes,
                filename: "a.bin".into(),
                ..Default::default()
            });
        },
        || outer(marker),
    );
    sentry::capture_message(&format!("message {marker}"), sentry::Level::Info);
    sentry::end_session();
    drop(guard);
}
