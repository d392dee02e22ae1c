package jpegscale_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/jpegscale"
)

// What is wrong with a sequential file does not depend on how much of it is wanted. (Of a progressive one, scans that do not matter are
// not read.)
func TestVerdictsAreTheSameAtEveryScale(t *testing.T) {
	t.Parallel()
	all := written(t)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool { return strings.Contains(name, "-progressive") })
	damaged := 0
	for seed := range uint64(3000) {
		name := names[seed%uint64(len(names))]
		src := testphotos.Mutate(all[name], seed)
		var verdicts []string
		for _, s := range jpegscale.Scales {
			_, err := decode(t.Context(), src, s, s)
			verdicts = append(verdicts, fmt.Sprint(err))
		}
		if verdicts[0] != "<nil>" {
			damaged++
		}
		if len(slices.Compact(slices.Clone(verdicts))) > 1 {
			t.Errorf("accident %d of %s: %q", seed, name, verdicts)
		}
	}
	t.Logf("%d were damaged", damaged)
	if damaged < 500 {
		t.Errorf("only %d were damaged", damaged)
	}
}
