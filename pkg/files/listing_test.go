package files

import (
	"context"
	"testing"

	"filmgate.dev/pkg/fault"
)

func TestOneListingTooManyWaits(t *testing.T) {
	s := newStream(nil, nil, "")
	for range maxListings {
		s.listing <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.list(ctx, "x"); !fault.Is(err, fault.Unavailable) { // without waiting it would use the nil connection
		t.Error(err)
	}
}
