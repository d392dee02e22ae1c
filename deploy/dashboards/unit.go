package main

import (
	"math"
	"strconv"
	"strings"
)

// units are those of our dashboards: how each says a number, in three digits.
var units = map[string]func(float64) string{
	"none":        number,
	"short":       func(v float64) string { return scaled(v, 1000, "", " K", " Mil", " Bil") },
	"percentunit": func(v float64) string { return number(v*100) + "%" },
	"s":           duration,
	"ops":         func(v float64) string { return scaled(v, 1000, " ops/s", "K ops/s", "M ops/s") },
	"reqps":       func(v float64) string { return scaled(v, 1000, " req/s", "K req/s", "M req/s") },
	"Bps":         func(v float64) string { return scaled(v, 1000, " B/s", " kB/s", " MB/s", " GB/s") },
	"bytes":       func(v float64) string { return scaled(v, 1024, " B", " KiB", " MiB", " GiB", " TiB") },
}

// number says a number with at most three digits that count.
func number(v float64) string {
	if v == 0 || math.Abs(v) < 1e-9 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func scaled(v, by float64, names ...string) string {
	i := 0
	for ; math.Abs(v) >= by && i < len(names)-1; i++ {
		v /= by
	}
	return number(v) + names[i]
}

func duration(v float64) string {
	switch a := math.Abs(v); {
	case a < 1e-9:
		return "0 s"
	case a < 1e-3:
		return number(v*1e6) + " µs"
	case a < 1:
		return number(v*1e3) + " ms"
	case a < 60:
		return number(v) + " s"
	case a < 3600:
		return number(v/60) + " min"
	default:
		return number(v/3600) + " hours"
	}
}

// ticks answers the marks of an axis from 0 to at least a value: three to six of them, at numbers that people count by.
func ticks(most float64, unit string) []float64 {
	if math.IsNaN(most) || most <= 0 {
		most = 1
	}
	base := math.Pow(10, math.Floor(math.Log10(most)))
	steps := []float64{base / 10, base / 5, base / 4, base / 2, base, base * 2}
	if unit == "s" && most >= 60 { // minutes, and hours
		steps = []float64{15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 12 * 3600, 24 * 3600}
	}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if most/s <= 5 {
			step = s
			break
		}
	}
	marks := []float64{0}
	for i := 1; marks[len(marks)-1] < most*0.999; i++ {
		marks = append(marks, step*float64(i))
	}
	return marks
}
