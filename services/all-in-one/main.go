// Filmgate receives photographers' uploads over SFTP and shows them, sorted and with thumbnails, to their studio. This
// command is all of it in one process, and the operator's tool for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
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

// explain answers an operator's view of an error: the sentence that its sender meant for him, or the whole of it where
// nobody wrote one.
func explain(err error) string {
	var told *fault.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &told) && told.Kind != fault.Internal:
		return strings.Replace(err.Error(), told.Error(), told.Message, 1)
	}
	return err.Error()
}
