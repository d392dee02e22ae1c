package main

import (
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
)

// heatmap draws how many of a histogram's values came into each of its buckets, which Prometheus counts with all smaller ones.
func heatmap(p panel, lines []line, over span, width, height int) template.HTML {
	upper := func(l line) float64 {
		v, err := strconv.ParseFloat(l.labels["le"], 64)
		if err != nil {
			return math.NaN()
		}
		return v
	}
	slices.SortFunc(lines, func(a, b line) int {
		if upper(a) < upper(b) {
			return -1
		}
		return 1
	})
	cells, most := make([][]float64, len(lines)), 0.0
	for i, l := range lines {
		cells[i] = make([]float64, len(l.values))
		for at, v := range l.values {
			if i > 0 {
				v -= lines[i-1].values[at]
			}
			cells[i][at] = v
			if !math.IsNaN(v) {
				most = max(most, v)
			}
		}
	}
	f := &frame{over: over, most: float64(len(lines)), left: 62, top: 8, right: float64(width) - 12, bottom: float64(height) - 44}
	f.times()
	for i, l := range lines {
		if i%2 == 0 || len(lines) < 9 {
			name := "more"
			if v := upper(l); !math.IsInf(v, 0) {
				name = units[p.unit()](v)
			}
			f.draw(`<text x="%.1f" y="%.1f" text-anchor="end" fill="%s">%s</text>`, f.left-6, f.y(float64(i)+0.5)+4, textColour, html.EscapeString(name))
		}
		for at, v := range cells[i] {
			if v > 0.01 && at+1 < len(cells[i]) {
				f.draw(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, f.x(float64(at)), f.y(float64(i+1)), f.x(1)-f.x(0), f.y(0)-f.y(1), orange(v/most))
			}
		}
	}
	for i := range 60 {
		f.draw(`<rect x="%d" y="%d" width="3" height="8" fill="%s"/>`, width/2-90+3*i, height-16, orange(float64(i)/59))
	}
	f.draw(`<text x="%d" y="%d" text-anchor="end" fill="%s">0</text>`, width/2-96, height-8, textColour)
	f.draw(`<text x="%d" y="%d" fill="%s">%s</text>`, width/2+96, height-8, textColour, number(most))
	return f.svg(width, height)
}

// orange is Grafana's scheme "Oranges" on a dark page: the more, the lighter.
func orange(share float64) string {
	stops := [][3]float64{{74, 30, 4}, {166, 54, 3}, {241, 105, 19}, {253, 174, 107}, {255, 245, 235}}
	const shades = 24
	at := math.Round(min(1, max(0, share))*shades) / shades * float64(len(stops)-1)
	i := min(int(at), len(stops)-2)
	colour := "rgb("
	for c := range 3 {
		if c > 0 {
			colour += ","
		}
		colour += strconv.Itoa(int(stops[i][c] + (stops[i+1][c]-stops[i][c])*(at-float64(i))))
	}
	return colour + ")"
}
