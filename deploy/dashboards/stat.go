package main

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// stat is one number, large, on the colour of its threshold, with how it came about behind it.
func stat(p panel, lines []line, over span, width, height int) template.HTML {
	l := lines[0]
	value := l.last()
	f := &frame{over: over, bottom: float64(height), top: float64(height) * 0.55, right: float64(width)}
	f.draw(`<rect width="%d" height="%d" fill="%s"/><rect width="%[1]d" height="%[2]d" fill="#000" fill-opacity="0.2"/>`, width, height, colourOf(p, value))
	if _, f.most = heights(lines, false); p.Options.GraphMode == "area" && f.most > 0 {
		var points strings.Builder
		begun, ended := -1, 0
		for at, v := range l.values {
			if !math.IsNaN(v) {
				if begun < 0 {
					begun = at
				}
				ended = at
				fmt.Fprintf(&points, "%.1f,%.1f ", f.x(float64(at)), f.y(v))
			}
		}
		f.draw(`<polygon points="%.1f,%d %s%.1f,%d" fill="#fff" fill-opacity="0.22"/>`, f.x(float64(begun)), height, &points, f.x(float64(ended)), height)
	}
	f.draw(`<text x="50%%" y="%d" text-anchor="middle" fill="#fff" font-size="62" font-weight="500">%s</text>`, height/2+10, units[p.unit()](value))
	return f.svg(width, height)
}

func colourOf(p panel, value float64) string {
	colour := "green"
	for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		if step.Value == nil || value >= *step.Value {
			colour = step.Color
		}
	}
	return named(colour)
}
