package events

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/fault"
)

// Server says where NATS is.
type Server struct {
	URL         string `env:"FILMGATE_NATS_URL" default:"nats://127.0.0.1:4222" help:"where NATS is; several servers separated by commas"`
	Credentials string `env:"FILMGATE_NATS_CREDENTIALS" help:"path of a NATS credentials file"`
	NKey        string `env:"FILMGATE_NATS_NKEY_PATH" help:"path of a file with the seed of a NATS user's nkey, in place of credentials"`
	CA          string `env:"FILMGATE_NATS_CA_PATH" help:"PEM certificates that NATS' own is checked against; the system's when empty. With it only TLS is spoken"`
}

// Inbox answers where a service's answers come in. Each has its own, so that none can be allowed to hear another's.
func Inbox(service string) string { return "_INBOX." + service }

// Connect dials as a service does: it does not wait for a server that is away, comes back by itself for ever, and buffers
// nothing meanwhile, because what was told as failed must not be delivered later.
func (s Server) Connect(service string, log *slog.Logger) (*nats.Conn, error) {
	if s.Credentials != "" && s.NKey != "" {
		return nil, fault.New(fault.Invalid, "FILMGATE_NATS_CREDENTIALS and FILMGATE_NATS_NKEY_PATH are two ways to say who this is: give one")
	}
	options := []nats.Option{
		nats.Name(service), nats.CustomInboxPrefix(Inbox(service)), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(nc *nats.Conn) { log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted()) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("NATS is away", "error", err) }),
		// A publish that NATS refuses shows up only here.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Error("NATS refused something", "error", err) }),
	}
	if s.Credentials != "" {
		options = append(options, nats.UserCredentials(s.Credentials))
	}
	if s.NKey != "" {
		sign, err := nats.NkeyOptionFromSeed(s.NKey)
		if err != nil {
			return nil, fault.New(fault.Invalid, "FILMGATE_NATS_NKEY_PATH: the seed in %s cannot be used: %v", s.NKey, err)
		}
		options = append(options, sign)
	}
	if s.CA != "" {
		if _, err := os.Stat(s.CA); err != nil {
			return nil, fault.New(fault.Invalid, "FILMGATE_NATS_CA_PATH: %v", err)
		}
		options = append(options, nats.RootCAs(s.CA))
	}
	nc, err := nats.Connect(s.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	return nc, nil
}
