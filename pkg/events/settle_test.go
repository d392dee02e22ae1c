package events

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"filmgate.dev/pkg/fault"
)

func TestTheKindOfAnErrorDecides(t *testing.T) {
	c := &consumer{ConsumerConfig: ConsumerConfig{Attempts: 5, MaxDeliver: 8}}
	const now, later = 0, 1
	cases := []struct {
		kind      fault.Kind
		delivered int
		want      outcome // delay: now or later
	}{
		{fault.Exists, 1, outcome{ack: true}},
		{fault.Exists, 5, outcome{ack: true}},
		{fault.Invalid, 1, outcome{dead: true}},
		{fault.Denied, 1, outcome{dead: true}},
		{fault.Conflict, 1, outcome{delay: now}},
		{fault.Conflict, 3, outcome{delay: now}},
		{fault.Conflict, 4, outcome{delay: later}},
		{fault.Conflict, 5, outcome{dead: true}},
		{fault.NotFound, 1, outcome{delay: later}},
		{fault.NotFound, 5, outcome{dead: true}},
		{fault.Internal, 1, outcome{delay: later}},
		{fault.Internal, 6, outcome{dead: true}},
		{fault.Unavailable, 4, outcome{delay: later}},
		{fault.Unavailable, 5, outcome{hold: true}},
		{fault.Unavailable, 8, outcome{hold: true}},
	}
	for _, x := range cases {
		got := c.decide(fault.New(x.kind, "x"), x.delivered)
		got.delay = min(got.delay, later)
		if got != x.want {
			t.Errorf("%s at delivery %d: %+v, want %+v", x.kind, x.delivered, got, x.want)
		}
	}
	if got := c.decide(nil, 5); got != (outcome{ack: true}) {
		t.Errorf("no error: %+v", got)
	}
	if got := c.decide(errors.New("bug"), 5); got != (outcome{dead: true}) {
		t.Errorf("an error without a kind is Internal: %+v", got)
	}
}

func TestBackoff(t *testing.T) {
	for i, want := range []time.Duration{500 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, time.Minute, time.Minute} {
		for range 100 {
			if got := backoff(i); got < want*8/10 || got > want*12/10 {
				t.Fatalf("after delivery %d: %s, want %s ± 20 %%", i, got, want)
			}
		}
	}
}

func TestHeaderText(t *testing.T) {
	for _, text := range []string{"", "plain", "two\r\nlines\x00", strings.Repeat("ä", 3000), strings.Repeat("x", 5000), "\xff\xfe"} {
		got := headerText(text)
		if len(got) > 2<<10 || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("%.20q became %d bytes: %.40q", text, len(got), got)
		}
	}
	if got := headerText(strings.Repeat("x", 5000)); len(got) < 2000 {
		t.Errorf("cut too short: %d", len(got))
	}
}
