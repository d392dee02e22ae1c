package main

import (
	"math"
	"slices"
	"testing"
)

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		unit string
		v    float64
		want string
	}{
		{"none", 0, "0"}, {"none", 12, "12"}, {"none", 1234567, "1234567"}, {"none", 0.25, "0.25"}, {"none", 2.0 / 3, "0.667"},
		{"short", 1500, "1.5 K"}, {"percentunit", 0.995, "99.5%"}, {"percentunit", 1, "100%"}, {"s", 0, "0 s"}, {"s", 0.0025, "2.5 ms"},
		{"s", 0.00012, "120 µs"}, {"s", 2.5, "2.5 s"}, {"s", 90, "1.5 min"}, {"s", 7200, "2 hours"}, {"ops", 0.05, "0.05 ops/s"},
		{"Bps", 2_500_000, "2.5 MB/s"}, {"bytes", 1536, "1.5 KiB"},
	} {
		if got := units[c.unit](c.v); got != c.want {
			t.Errorf("%v in %s is said as %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		most float64
		unit string
		want []float64
	}{
		{0, "none", []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{math.NaN(), "none", []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{7, "none", []float64{0, 2, 4, 6, 8}},
		{100, "s", []float64{0, 30, 60, 90, 120}},
	} {
		got := ticks(c.most, c.unit)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("up to %v %s the marks are %v, want %v", c.most, c.unit, got, c.want)
		}
	}
	for most := 1e-4; most < 3e5; most *= 1.37 {
		for _, unit := range []string{"none", "s"} {
			if marks := ticks(most, unit); len(marks) < 3 || len(marks) > 8 || marks[len(marks)-1] < most*0.999 {
				t.Errorf("up to %v %s the marks are %v", most, unit, marks)
			}
		}
	}
}
