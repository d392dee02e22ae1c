package session

import (
	"fmt"
	"testing"
	"time"

	"filmgate.dev/pkg/fault"
)

func TestThrottle(t *testing.T) {
	now := time.Date(2026, 9, 14, 12, 0, 0, 0, time.UTC)
	s := newThrottle()
	for range maxFailures {
		if err := s.check(now, "a", "b"); err != nil {
			t.Fatalf("refused too early: %v", err)
		}
		s.add(now, "a", "b")
	}
	if err := s.check(now, "c", "b"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the eleventh guess: %v", err)
	}
	if err := s.check(now, "c"); err != nil {
		t.Errorf("somebody else was refused: %v", err)
	}
	if err := s.check(now.Add(window), "a"); err != nil {
		t.Errorf("the window never ended: %v", err)
	}
	s.add(now.Add(window), "a")
	if err := s.check(now.Add(window), "a"); err != nil {
		t.Errorf("one failure after the window: %v", err)
	}
}

func TestThrottleIsBounded(t *testing.T) {
	now := time.Now()
	s := newThrottle()
	for i := range maxCounted + 100 {
		s.add(now, fmt.Sprint(i))
	}
	if len(s.counts) > maxCounted {
		t.Errorf("%d addresses are remembered, want at most %d", len(s.counts), maxCounted)
	}
	s.add(now.Add(window), "later")
	if len(s.counts) != 1 {
		t.Errorf("%d addresses are remembered after all windows ended, want 1", len(s.counts))
	}
}
