package processing

import (
	"errors"
	"strings"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/processing/internal/picture"
)

func TestSale(t *testing.T) {
	standard := Sale{Edge: 7500, Megapixels: 60, Larger: "warn"}
	strict := standard
	strict.Larger = "reject"
	for name, c := range map[string]struct {
		sale             Sale
		w, h             int
		warned, rejected bool
	}{
		"a camera's":      {standard, 6000, 4000, false, false},
		"the longest":     {standard, 4000, 7500, false, false},
		"too long":        {standard, 7501, 100, true, false},
		"too many":        {Sale{Megapixels: 60}, 8000, 7501, true, false},
		"rejected":        {strict, 8256, 5504, false, true},
		"fine if strict":  {strict, 7500, 5000, false, false},
		"without a limit": {Sale{}, 10000, 10000, false, false},
	} {
		warnings, err := c.sale.judge(picture.Info{Width: c.w, Height: c.h})
		if (len(warnings) > 0) != c.warned || (err != nil) != c.rejected {
			t.Errorf("%s: %v, %v", name, warnings, err)
		}
		for _, w := range warnings {
			if w.Code != "too_large_for_sale" || !strings.Contains(w.Message, "Export it smaller") {
				t.Errorf("%s: %+v", name, w)
			}
		}
		if r := new(picture.Rejection); err != nil && (!errors.As(err, &r) || r.Code != "too_large_for_sale" || !fault.Is(err, fault.Invalid)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range []Sale{{Edge: -1}, {Megapixels: -1}, {Larger: "sometimes"}} {
		if err := wrong.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
