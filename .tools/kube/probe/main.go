// probe is for pods of tests that ask who reaches whom: one serves, another dials. Each dial says one word, so that a test can
// tell a policy, which drops, from a server that is not there, which refuses.
//
//	probe serve :8080          answers every connection with the pod's name
//	probe dial HOST:PORT       says connected, refused, unknown (the name), or dropped after 3 seconds; only connected is status 0
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		if err := serve(ctx, os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "probe:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "dial" {
		word, err := dial(ctx, os.Args[2])
		fmt.Println(word)
		if err != nil {
			fmt.Fprintln(os.Stderr, "probe:", err)
			os.Exit(1)
		}
		return
	}
	fmt.Fprintln(os.Stderr, "usage: probe serve ADDRESS | dial HOST:PORT")
	os.Exit(2)
}

func serve(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	name, _ := os.Hostname()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(conn, name)
		conn.Close()
	}
}

func dial(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	var unknown *net.DNSError
	switch {
	case err == nil:
		return "connected", conn.Close()
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return "unknown", err
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused", err
	}
	return "dropped", err
}
