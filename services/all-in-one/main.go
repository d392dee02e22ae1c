// Filmgate receives photographers' uploads over SFTP and shows them, sorted and with thumbnails, to their studio. This
// command is all of it in one process, and the operator's tool for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"filmgate.dev/pkg/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "filmgate: "+explain(err))
		os.Exit(1)
	}
}

// explain answers an operator's view of an error: the sentence for its sender, and the cause only where it is ours to see.
func explain(err error) string {
	var told *fault.Error
	if errors.As(err, &told) {
		return err.Error()
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return err.Error()
}
