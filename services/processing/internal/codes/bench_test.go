package codes_test

import (
	"context"
	"testing"

	"filmgate.dev/services/processing/internal/codes"
	"filmgate.dev/services/processing/internal/codes/cardset"
)

// One photograph of 3,000 × 2,000: without a card, with one, with one that nobody can read, and with what costs most.
func BenchmarkFind(b *testing.B) {
	set := cardset.Set(1, 32)
	first := func(fits func(cardset.Spec) bool) cardset.Spec {
		for _, s := range set {
			if fits(s) {
				return s
			}
		}
		b.Fatal("the set has none")
		return cardset.Spec{}
	}
	for _, c := range []struct {
		name string
		fits func(cardset.Spec) bool
	}{
		{"none", func(s cardset.Spec) bool { return s.Class == cardset.None && s.Lookalike == cardset.Nothing }},
		{"sharp", func(s cardset.Spec) bool { return s.Class == cardset.Sharp }},
		{"lost", func(s cardset.Spec) bool { return s.Class == cardset.Lost }},
		{"bricks", func(s cardset.Spec) bool { return s.Lookalike == cardset.Bricks }},
		{"targets", func(s cardset.Spec) bool { return s.Lookalike == cardset.Targets }},
	} {
		b.Run(c.name, func(b *testing.B) {
			img, _ := cardset.Paint(first(c.fits))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := codes.Find(context.Background(), luma(img)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
