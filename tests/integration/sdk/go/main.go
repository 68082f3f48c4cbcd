// An application with an unmodified sentry-go: app DSN MARKER [SOCKET]
// SOCKET: the daemon's Unix socket, used instead of the DSN's host and port.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/getsentry/sentry-go"
)

type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }

//go:noinline
func inner(marker string) {
	sentry.CaptureException(&brokenError{"error " + marker})
}

//go:noinline
func outer(marker string) { inner(marker) }

func options(dsn string) sentry.ClientOptions {
	o := sentry.ClientOptions{
		Dsn:              dsn,
		Release:          "app@1.0",
		Environment:      "it",
		EnableTracing:    true,
		TracesSampleRate: 1.0,
		AttachStacktrace: true,
	}
	if len(os.Args) > 3 {
		o.HTTPTransport = &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", os.Args[3])
			},
		}
	}
	return o
}

func main() {
	marker := os.Args[2]
	if err := sentry.Init(options(os.Args[1])); err != nil {
		log.Fatal(err)
	}
	sentry.ConfigureScope(func(s *sentry.Scope) { s.SetTag("marker", marker) })

	tx := sentry.StartTransaction(context.Background(), "transaction "+marker,
		sentry.WithOpName("task"))
	step := tx.StartChild("step", sentry.WithDescription("a step"))
	step.StartChild("part", sentry.WithDescription("a part")).Finish()
	step.Finish()
	tx.Finish()

	sentry.NewLogger(context.Background()).Warn().Int("n", 1).Emit("log " + marker)
	sentry.NewMeter(context.Background()).Count("metric", 3)

	in := sentry.CaptureCheckIn(&sentry.CheckIn{MonitorSlug: "nightly",
		Status: sentry.CheckInStatusInProgress}, nil)
	sentry.CaptureCheckIn(&sentry.CheckIn{ID: *in, MonitorSlug: "nightly",
		Status: sentry.CheckInStatusOK, Duration: time.Second}, nil)

	sentry.WithScope(func(s *sentry.Scope) {
		s.AddAttachment(&sentry.Attachment{
			Filename: "a.bin",
			Payload:  []byte("\x00attachment " + marker + "\r\n\xff"),
		})
		outer(marker)
	})
	sentry.CaptureMessage("message " + marker)
	if !sentry.Flush(15 * time.Second) {
		log.Fatal("not flushed in time")
	}
}
