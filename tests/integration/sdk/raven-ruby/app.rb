# An application with Debian's sentry-raven: app.rb DSN MARKER
require "raven"

dsn, marker = ARGV

def inner(marker)
  raise ArgumentError, "error #{marker}"
end

def outer(marker)
  inner(marker)
end

Raven.configure do |config|
  config.dsn = dsn
  config.release = "app@1.0"
  config.current_environment = "it"
  config.open_timeout = config.timeout = 30 # a busy machine is no failure
  config.logger = Logger.new($stderr, level: Logger::WARN)
end

Raven.tags_context(marker: marker)
begin
  outer(marker)
rescue ArgumentError => e
  Raven.capture_exception(e)
end
Raven.capture_message("message #{marker}")
