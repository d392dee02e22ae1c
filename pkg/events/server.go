package events

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
)

// Server says where NATS is.
type Server struct {
	URL         string `env:"FILMGATE_NATS_URL" default:"nats://127.0.0.1:4222" help:"where NATS is; several servers separated by commas"`
	Credentials string `env:"FILMGATE_NATS_CREDENTIALS" help:"path of a NATS credentials file"`
}

// Connect dials as a service does: it does not wait for a server that is away, comes back by itself for ever, and buffers
// nothing meanwhile, because what was told as failed must not be delivered later.
func (s Server) Connect(service string, log *slog.Logger) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(service), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(nc *nats.Conn) { log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted()) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("NATS is away", "error", err) }),
		// A publish that NATS refuses shows up only here.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Error("NATS refused something", "error", err) }),
	}
	if s.Credentials != "" {
		options = append(options, nats.UserCredentials(s.Credentials))
	}
	nc, err := nats.Connect(s.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	return nc, nil
}
