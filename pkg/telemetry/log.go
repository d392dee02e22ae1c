// Package telemetry gives every service the same logger, the same metrics endpoint, and the same way to pass a trace on.
package telemetry

import (
	"io"
	"log/slog"

	"filmgate.dev/pkg/fault"
)

// LogConfig is the logger's part of a service's settings.
type LogConfig struct {
	Level  string `env:"FILMGATE_LOG_LEVEL" default:"info" help:"debug, info, warn or error"`
	Format string `env:"FILMGATE_LOG_FORMAT" default:"json" help:"json for machines, text for people"`
}

// NewLogger makes a logger that writes to w.
func NewLogger(w io.Writer, c LogConfig) (*slog.Logger, error) {
	var level slog.Level
	if c.Level != "" {
		if err := level.UnmarshalText([]byte(c.Level)); err != nil {
			return nil, fault.New(fault.Invalid, "FILMGATE_LOG_LEVEL: %q is none of debug, info, warn, error", c.Level)
		}
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.Format {
	case "", "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	default:
		return nil, fault.New(fault.Invalid, "FILMGATE_LOG_FORMAT: %q is neither json nor text", c.Format)
	}
}
