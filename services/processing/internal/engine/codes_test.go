package engine_test

import (
	"image"
	"math"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/codes/cardset"
	"filmgate.dev/services/processing/internal/engine"
)

// A code is found where a person sees it, whichever way the camera was held.
func TestCodesAreFoundWhereTheyAreSeen(t *testing.T) {
	var card cardset.Spec
	for _, s := range cardset.Set(5, 16) {
		if s.Class == cardset.Two {
			card = s
		}
	}
	photo, truth := cardset.Paint(card)
	for _, e := range engines() {
		for _, orientation := range []int{1, 3, 6, 8} {
			src := testphotos.EncodeJPEG(photo, testphotos.Options{Orientation: orientation, Sampling: testphotos.Gray})
			job := engine.Standard()
			job.Codes = true
			info, err := e.Probe(t.Context(), src, int64(len(src)))
			if err != nil {
				t.Fatal(err)
			}
			result, err := e.Process(t.Context(), src, info, job)
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Codes) != len(truth) || result.UnreadCard {
				t.Errorf("%s, orientation %d: %d codes of %d, another card: %v", e.Name(), orientation, len(result.Codes), len(truth), result.UnreadCard)
			}
			for _, code := range result.Codes {
				for _, want := range truth {
					if want.Text != code.Text {
						continue
					}
					for i, p := range code.Corners {
						if math.Hypot(p.X-want.Corners[i].X, p.Y-want.Corners[i].Y) > 0.01 {
							t.Errorf("%s, orientation %d: corner %d of %s is at %v, want %v", e.Name(), orientation, i, code.Text, p, want.Corners[i])
						}
					}
				}
			}
		}
	}
}

func TestCodesAreLookedForWhereTheJobSays(t *testing.T) {
	photo, _ := cardset.Paint(cardset.Set(5, 1)[0])
	for _, e := range engines() {
		if result := must(t, e, testphotos.EncodeJPEG(image.Image(photo), testphotos.Options{Sampling: testphotos.Gray})); len(result.Codes) > 0 {
			t.Errorf("%s: %v", e.Name(), result.Codes)
		}
	}
}
