package embednats

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go"
)

// slogLogger turns the server's printf lines into slog lines. The banner and the list of limits it prints at a start are
// for operators of a server of its own, so notices are debug lines here.
type slogLogger struct{ log *slog.Logger }

func (l slogLogger) Noticef(format string, args ...any) { l.log.Debug(line(format, args)) }
func (l slogLogger) Errorf(format string, args ...any)  { l.log.Error(line(format, args)) }
func (l slogLogger) Fatalf(format string, args ...any)  { l.log.Error(line(format, args)) }
func (l slogLogger) Debugf(format string, args ...any)  { l.log.Debug(line(format, args)) }
func (l slogLogger) Tracef(format string, args ...any)  { l.log.Debug(line(format, args)) }

// Warnf leaves out one line. "Plaintext passwords detected" advises bcrypt against passwords that can be guessed; ours are
// random tokens that the server is given in memory, and hashing those would only slow every connection down.
func (l slogLogger) Warnf(format string, args ...any) {
	if !strings.HasPrefix(format, "Plaintext passwords detected") {
		l.log.Warn(line(format, args))
	}
}

func line(format string, args []any) string { return "nats: " + fmt.Sprintf(format, args...) }

// logAsyncErrors reports what the library cannot return: a denied publish, a slow subscription.
func logAsyncErrors(log *slog.Logger) nats.ErrHandler {
	return func(_ *nats.Conn, sub *nats.Subscription, err error) {
		subject := ""
		if sub != nil {
			subject = sub.Subject
		}
		log.Error("nats: asynchronous error", "err", err, "subject", subject)
	}
}
