// Package natstest gives a test its own embedded nats-server.
package natstest

import (
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/embednats"
)

// Start runs a server for the length of the test, with a connection of full rights. Pass consumers for programs with less.
func Start(t testing.TB, consumers ...embednats.Consumer) (*embednats.Server, *nats.Conn) {
	t.Helper()
	server, err := embednats.Start(t.Context(), embednats.Config{
		Dir:        t.TempDir(),
		Addr:       "127.0.0.1:0",
		Token:      "test-token",
		Consumers:  consumers,
		SyncLazily: true,
		Log:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return server, conn
}
