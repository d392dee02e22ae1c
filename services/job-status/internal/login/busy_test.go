package login

import (
	"context"
	"testing"

	"filmgate.dev/pkg/fault"
)

func TestABusyServerAnswersTryAgain(t *testing.T) {
	p := NewPasswords()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := p.Matches(gone, p.dummy, ""); ok || !fault.Is(err, fault.Unavailable) {
		t.Errorf("checked while all slots are taken: %v, %v", ok, err)
	}
	if _, err := p.Hash(gone, "long enough"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("hashed while all slots are taken: %v", err)
	}
	<-p.slots
	if _, err := p.Matches(t.Context(), "", "x"); err != nil {
		t.Errorf("with a free slot: %v", err)
	}
}
