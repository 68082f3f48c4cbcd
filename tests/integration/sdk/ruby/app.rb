# An application with Debian's sentry-ruby: app.rb DSN MARKER
require "sentry-ruby"

dsn, marker = ARGV

def inner(marker)
  raise ArgumentError, "error #{marker}"
end

def outer(marker)
  inner(marker)
end

Sentry.init do |config|
  config.dsn = dsn
  config.release = "app@1.0"
  config.environment = "it"
  config.traces_sample_rate = 1.0
  config.background_worker_threads = 0
  config.transport.open_timeout = config.transport.timeout = 30 # a busy machine is no failure
  config.logger = Logger.new($stderr, level: Logger::WARN)
end

Sentry.set_tags(marker: marker)
Sentry.with_session_tracking do
  transaction = Sentry.start_transaction(name: "transaction #{marker}", op: "task")
  transaction.with_child_span(op: "step", description: "a step") do |step|
    step.with_child_span(op: "part", description: "a part") {}
  end
  transaction.finish
  begin
    outer(marker)
  rescue ArgumentError => e
    Sentry.capture_exception(e)
  end
  Sentry.capture_message("message #{marker}")
end
Sentry.session_flusher.flush
