package photoevents

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// explain says why nothing can be pulled: a request reports little more than that no answer came.
func (w *worker) explain(err error) error {
	nc := w.js.Conn()
	last := nc.LastError()
	switch {
	case nc.IsConnected():
		if errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
			return fmt.Errorf("these credentials may not use the consumer %s, but only the durable consumer that was made for them, which has their user's name: %w", w.Durable, err)
		}
		return err
	case refused(last):
		return fmt.Errorf("the server refused the credentials: %w", last)
	case nc.IsClosed() && !errors.Is(last, nats.ErrNoServers):
		return fmt.Errorf("the connection is closed: %w", err)
	}
	return fmt.Errorf("the server cannot be reached: %w", err)
}

func refused(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) ||
		errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAccountAuthExpired)
}
