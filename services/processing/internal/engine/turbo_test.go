//go:build turbo && cgo

package engine_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/picture"
)

// What becomes of a file does not depend on who decodes it.
func TestTurboJudgesAsPlanarDoes(t *testing.T) {
	real := testphotos.Real()
	var sources [][]byte
	for _, name := range slices.Sorted(maps.Keys(real)) {
		sources = append(sources, real[name])
	}
	sources = append(sources, testphotos.ManyScans(9), testphotos.JPEG(testphotos.Options{Width: 500, Height: 400, Sampling: testphotos.Full}))
	outcomes := map[string]int{}
	for seed := range uint64(800) {
		src := testphotos.Mutate(sources[seed%uint64(len(sources))], seed)
		var verdicts []string
		for _, e := range []engine.Engine{engine.Planar{}, engine.Turbo{}} {
			verdict := "used"
			if _, err := process(t.Context(), e, src); err != nil {
				r := new(picture.Rejection)
				if !errors.As(err, &r) {
					t.Fatalf("accident %d: %v", seed, err)
				}
				verdict = string(r.Code) + ": " + r.Message
			}
			verdicts = append(verdicts, verdict)
		}
		if verdicts[0] != verdicts[1] {
			t.Errorf("accident %d: %q", seed, verdicts)
		}
		outcomes[verdicts[0]]++
	}
	if outcomes["used"] < 50 || len(outcomes) < 3 {
		t.Errorf("%v", outcomes)
	}
}
