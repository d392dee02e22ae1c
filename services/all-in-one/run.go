package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
)

// drainLimit is how long a stop may take in all: running uploads get most of it.
const drainLimit = 9 * time.Second

// uploadsMayFinish is how long running uploads may go on: it leaves the other parts enough on a busy machine.
const uploadsMayFinish = 6 * time.Second

type runOptions struct {
	*options
	sftpAddr string
	httpAddr string
	metrics  string
	logLevel string
}

func runCommand(o *options) *cobra.Command {
	r := &runOptions{options: o}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run everything in one process: SFTP, studio, NATS, S3 and SQLite",
		Long: `Runs the whole product in one process on this machine. Everything it keeps is in the
data folder; kill it at any moment, start it again, and it goes on.

The first start makes the account "demo", an administrator for the studio page, the job
JOB00001 and an SFTP user, and prints their passwords. The same card is kept in
DIR/card.json, readable only by you.

It listens on this machine only. To let photographers in from elsewhere:
  filmgate run --sftp 0.0.0.0:2022`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&r.sftpAddr, "sftp", envOr("FILMGATE_SFTP_ADDR", "127.0.0.1:2022"), "where photographers connect, host:port (FILMGATE_SFTP_ADDR)")
	cmd.Flags().StringVar(&r.httpAddr, "http", envOr("FILMGATE_HTTP_ADDR", "127.0.0.1:8080"), "where the studio page is, host:port (FILMGATE_HTTP_ADDR)")
	cmd.Flags().StringVar(&r.metrics, "metrics", envOr("FILMGATE_METRICS_ADDR", ""), "where /metrics is served, host:port; empty means nowhere (FILMGATE_METRICS_ADDR)")
	cmd.Flags().StringVar(&r.logLevel, "log", envOr("FILMGATE_LOG", "warn"), "what to log to stderr: debug, info, warn or error (FILMGATE_LOG)")
	return cmd
}

func (r *runOptions) run(ctx context.Context, out, errOut io.Writer) error {
	log, err := newLog(errOut, r.logLevel)
	if err != nil {
		return err
	}
	unlock, err := openFolder(r.data)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }() // the end of the process unlocks it too

	// The doors are opened first: a busy port is found before anything is started.
	sftp, err := listen(ctx, "--sftp", r.sftpAddr)
	if err != nil {
		return err
	}
	defer sftp.Close()
	web, err := listen(ctx, "--http", r.httpAddr)
	if err != nil {
		return err
	}
	defer web.Close()

	find := dataFlag(r.data)
	in, err := start(ctx, r.data, sftp, web, log)
	if err != nil {
		return err
	}
	if r.metrics != "" {
		lis, err := listen(ctx, "--metrics", r.metrics)
		if err != nil {
			_ = in.stages.stop(drainLimit)
			return err
		}
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", telemetry.MetricsHandler(in.metrics))
		in.stages.run("metrics", func(ctx context.Context) error { return serve.HTTP(ctx, lis, mux) })
	}
	in.card.print(out, r.data, find, in.first)

	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "  Stopping: uploads that are running may finish …")
	case err = <-in.stages.failed:
		log.Error("a part of Filmgate failed; stopping", "error", err)
	}
	if stopErr := in.stages.stop(drainLimit); stopErr != nil {
		// Whatever did not stop loses nothing by being cut off: nothing unacknowledged was promised.
		log.Warn("stopped without waiting any longer", "error", stopErr)
	}
	if err == nil {
		fmt.Fprintln(out, "  Stopped.")
	}
	return err
}

func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address with %s (FILMGATE_%s_ADDR)", addr, cause(err), flag, strings.ToUpper(strings.TrimLeft(flag, "-")))
	}
	return l, nil
}

// cause takes "listen tcp 127.0.0.1:2022: bind:" off a listen error: the sentence around it says that already.
func cause(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err
		}
		err = inner.Unwrap()
	}
}

func newLog(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log %q: say debug, info, warn or error", level)
	}
	if w == nil {
		w = os.Stderr
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}
