package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// table prints rows for people or objects for programs, whichever --json says, from one list of values.
type table[T any] struct {
	head string         // tab-separated column names
	row  func(T) string // tab-separated cells
	json func(T) any    // the object; nil = the value itself
	none string         // what to say when there is nothing
}

func (t table[T]) print(w io.Writer, asJSON bool, values ...T) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, v := range values {
			if err := enc.Encode(t.json(v)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(values) == 0 {
		fmt.Fprintln(w, t.none)
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, t.head)
	for _, v := range values {
		fmt.Fprintln(tw, printable(t.row(v)))
	}
	return tw.Flush()
}

// printable keeps strangers' names from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

func jsonFlag(cmd *cobra.Command, o *options) *cobra.Command {
	cmd.Flags().BoolVar(&o.json, "json", false, "one JSON object a line")
	return cmd
}

// stamp answers a time for JSON; nil where there is none.
func stamp(t *timestamppb.Timestamp) *time.Time {
	if t == nil || !t.IsValid() || t.GetSeconds() == 0 {
		return nil
	}
	at := t.AsTime()
	return &at
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}
