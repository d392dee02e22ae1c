package events

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// Connected is a readiness check: there is a connection to NATS.
func Connected(nc *nats.Conn) func(context.Context) error {
	return func(context.Context) error {
		switch {
		case nc.IsConnected():
			return nil
		case errors.Is(nc.LastError(), nats.ErrAuthorization):
			return fault.New(fault.Unavailable, "NATS refuses this service's credentials")
		}
		return fault.New(fault.Unavailable, "the connection to NATS is %s", strings.ToLower(nc.Status().String()))
	}
}

// Provisioned is a readiness check: the streams are there. Once they all were it asks no more: what is lost later is
// for alarms, because another process would miss it as well.
func Provisioned(nc *nats.Conn, streams ...string) func(context.Context) error {
	var (
		mu   sync.Mutex
		left = streams
	)
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if len(left) == 0 {
			return nil
		}
		if !nc.IsConnected() {
			return fault.New(fault.Unavailable, "they cannot be asked for: NATS is away")
		}
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		var missing []string
		for _, name := range left {
			_, err := js.Stream(ctx, name)
			if errors.Is(err, jetstream.ErrStreamNotFound) {
				missing = append(missing, name)
			} else if err != nil {
				return unavailable(err, "NATS does not answer about %s", name)
			}
		}
		left = missing
		switch len(missing) {
		case 0:
			return nil
		case 1:
			return fault.New(fault.Unavailable, "%s is not there yet; filmgate provision makes it", missing[0])
		}
		return fault.New(fault.Unavailable, "%s are not there yet; filmgate provision makes them", strings.Join(missing, ", "))
	}
}
