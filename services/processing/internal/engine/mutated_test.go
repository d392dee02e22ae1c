package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/picture"
)

// Four thousand accidents: each file becomes pictures or is rejected in words, none takes more memory than was set aside for it, and
// the bug that lets a decoder stumble is not hidden in a rejection.
func TestMutatedPhotos(t *testing.T) {
	var sources [][]byte
	for _, name := range slices.Sorted(maps.Keys(testphotos.Real())) {
		sources = append(sources, testphotos.Real()[name])
	}
	sources = append(sources, testphotos.ManyScans(9), testphotos.JPEG(testphotos.Options{Width: 500, Height: 400, Sampling: testphotos.Full, ICC: testphotos.DisplayP3()}))
	e := engine.Fastest()
	outcomes := map[string]int{}
	const accidents = 4000
	for seed := range uint64(accidents) {
		src := testphotos.Mutate(sources[seed%uint64(len(sources))], seed)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		info, err := e.Probe(t.Context(), src, int64(len(src)))
		if err == nil {
			_, err = e.Process(t.Context(), src, info, engine.Standard())
		}
		runtime.ReadMemStats(&after)
		if took, most := after.TotalAlloc-before.TotalAlloc, max(64<<20, e.Estimate(info).Memory); took > uint64(most) {
			t.Errorf("accident %d: %d MB were allocated, %d set aside", seed, took>>20, most>>20)
		}
		r := new(picture.Rejection)
		switch {
		case err == nil:
			outcomes["used"]++
		case !errors.As(err, &r) || r.Message == "" || strings.Contains(fmt.Sprint(r.Cause), "panic"):
			t.Errorf("accident %d: neither pictures nor a clean rejection: %v", seed, err)
		default:
			outcomes[string(r.Code)]++
		}
	}
	t.Logf("of %d: %v", accidents, outcomes)
	if outcomes["used"] == 0 || outcomes["truncated"] == 0 || outcomes["damaged"] == 0 {
		t.Error("not all kinds of accidents happened")
	}
}
