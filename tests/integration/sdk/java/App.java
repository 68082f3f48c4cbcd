// An application with an unmodified io.sentry:sentry: App DSN MARKER

import io.sentry.Attachment;
import io.sentry.ISpan;
import io.sentry.ITransaction;
import io.sentry.Sentry;
import io.sentry.SentryAttribute;
import io.sentry.SentryAttributes;
import io.sentry.SentryLogLevel;
import io.sentry.logger.SentryLogParameters;
import io.sentry.util.CheckInUtils;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

public final class App {
  private static void inner(String marker) {
    throw new IllegalStateException("error " + marker);
  }

  private static void outer(String marker) {
    inner(marker);
  }

  private static byte[] attachment(String marker) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(0);
    out.writeBytes(("attachment " + marker + "\r\n").getBytes(StandardCharsets.UTF_8));
    out.write(255);
    return out.toByteArray();
  }

  private static void trace(String marker) {
    ITransaction transaction = Sentry.startTransaction("transaction " + marker, "task");
    ISpan step = transaction.startChild("step", "a step");
    step.startChild("part", "a part").finish();
    step.finish();
    transaction.finish();
  }

  public static void main(String[] args) throws Exception {
    String marker = args[1];
    Sentry.init(options -> {
      options.setDsn(args[0]);
      options.setRelease("app@1.0");
      options.setEnvironment("it");
      options.setTracesSampleRate(1.0);
      options.getLogs().setEnabled(true);
      options.setShutdownTimeoutMillis(30000);
      options.setConnectionTimeoutMillis(30000); // a busy machine is no failure
      options.setReadTimeoutMillis(30000);
    });
    Sentry.setTag("marker", marker);
    Sentry.startSession();
    trace(marker);
    Sentry.logger().log(SentryLogLevel.WARN,
        SentryLogParameters.create(SentryAttributes.of(SentryAttribute.integerAttribute("n", 1))),
        "log " + marker);
    CheckInUtils.withCheckIn("nightly", () -> null);
    Sentry.withScope(scope -> {
      scope.addAttachment(new Attachment(attachment(marker), "a.bin"));
      try {
        outer(marker);
      } catch (IllegalStateException e) {
        Sentry.captureException(e);
      }
    });
    Sentry.captureMessage("message " + marker);
    Sentry.endSession();
    Sentry.flush(30000);
    Sentry.close();
  }
}
