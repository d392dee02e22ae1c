// Package smoke sends one photo through a running Filmgate as a photographer does, and waits until every other program has
// been told of it.
//
// What it needs for that it makes itself, in an account of its own; what it uploaded it removes again.
package smoke

import (
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
)

// Config says where everything is.
type Config struct {
	Server  string        `env:"FILMGATE_SERVER" default:"127.0.0.1:9101" help:"job-status, host:port"`
	Token   string        `env:"FILMGATE_TOKEN" required:"true" help:"the operator's bearer token"`
	SFTP    string        `env:"FILMGATE_SMOKE_SFTP" default:"127.0.0.1:2022" help:"where photographers connect, host:port"`
	HostKey string        `env:"FILMGATE_SMOKE_HOST_KEY_SHA256" help:"fingerprint that the SFTP host key must have, SHA256:…; empty: any, and it is said"`
	Account string        `env:"FILMGATE_ACCOUNT" default:"smoke" help:"account to upload into; made when it is missing"`
	Job     string        `env:"FILMGATE_SMOKE_JOB" default:"SMOKE" help:"job to upload into; made when it is missing"`
	User    string        `env:"FILMGATE_SMOKE_USER" default:"filmgate-smoke" help:"SFTP user to upload as; made when it is missing, and used with a key that lives as long as this run"`
	Within  time.Duration `env:"FILMGATE_SMOKE_WITHIN" default:"2m" help:"how long all of it may take"`
	NATS    events.Server
	TLS     serve.TLSFiles
}

// Reference prints the settings.
func Reference(w io.Writer) { env.Reference(w, &Config{}) }

// cleanup is how long tidying up may take when time is over already.
const cleanup = 10 * time.Second

// Run says each step and how long it took. The error is what went wrong first.
func Run(ctx context.Context, c Config, out io.Writer) (err error) {
	if c.Within <= 0 {
		return fault.New(fault.Invalid, "FILMGATE_SMOKE_WITHIN must be more than nothing")
	}
	r := &run{Config: c, out: out, began: time.Now()}
	r.last = r.began
	within, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
		defer cancel()
		r.tidy(after)
		if err == nil {
			fmt.Fprintf(out, "It works: %s from the first call to the last event.\n", took(r.heard.Sub(r.began)))
		}
	}()
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"account", r.prepare},
		{"listen", r.listen},
		{"log in", r.login},
		{"upload", r.upload},
		{"ingested", r.await},
	} {
		said, err := step.do(within)
		now := time.Now()
		if err != nil {
			fmt.Fprintf(out, "  FAILED %8s  %-9s %s\n", took(now.Sub(r.last)), step.name, words(err))
			if within.Err() != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: not within %s: %w", step.name, c.Within, err)
			}
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(out, "  ok     %8s  %-9s %s\n", took(now.Sub(r.last)), step.name, said)
		r.last = now
	}
	return nil
}

func took(d time.Duration) string { return d.Round(time.Millisecond).String() }

// words is what an operator reads, with the cause where there is one: there is nobody else to hide it from.
func words(err error) string { return err.Error() }

// run is one smoke test.
type run struct {
	Config
	out         io.Writer
	began, last time.Time
	heard       time.Time // of photo.ingested

	calls *grpc.ClientConn
	jobID string
	key   key
	bus   *bus
	door  *door
	photo photo
}

// tidy takes back what it can; what it cannot it says.
func (r *run) tidy(ctx context.Context) {
	leftover := func(what string, err error) {
		if err != nil {
			fmt.Fprintf(r.out, "  left behind: %s: %v\n", what, err)
		}
	}
	if r.door != nil {
		leftover("the photo "+r.photo.path, r.door.remove(r.photo.path))
		r.door.close()
	}
	if r.bus != nil {
		r.bus.close()
	}
	if r.calls != nil {
		leftover("the user's key "+r.key.fingerprint, r.forgetKey(ctx))
		r.calls.Close()
	}
}
