package main

import (
	"context"
	"strings"
	"testing"
)

type writer func(text string)

func (w writer) Write(p []byte) (int, error) { w(string(p)); return len(p), nil }

func TestIdleEndsWhenItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said := ""
	cmd := rootCommand()
	cmd.SetArgs([]string{"idle"})
	cmd.SetOut(writer(func(text string) { said += text; stop() }))
	if err := cmd.ExecuteContext(ctx); err != nil || !strings.Contains(said, "filmgate account list") {
		t.Errorf("%q, %v", said, err)
	}
}
