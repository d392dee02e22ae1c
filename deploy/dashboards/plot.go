package main

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"time"
)

const (
	ruleColour = "#2c3036"
	textColour = "#9fa7b3"
	legendRow  = 18 // pixels
)

// palette are the colours of lines, in the order in which Grafana gives them.
var palette = []string{
	"#73BF69", "#F2CC0C", "#5794F2", "#FF9830", "#F2495C", "#B877D9", "#8AB8FF", "#FFA6B0", "#96D98D", "#E0B400", "#CA95E5", "#C0D8FF", "#37872D", "#FA6400", "#1F60C4",
}

// named are the colours that Grafana has a name for.
func named(colour string) string {
	if known := map[string]string{
		"green": "#73BF69", "yellow": "#F2CC0C", "orange": "#FF9830", "red": "#F2495C", "blue": "#5794F2", "purple": "#B877D9",
	}[colour]; known != "" {
		return known
	}
	return colour
}

// frame is the part of a panel where values are drawn: pixels for times and for values from 0 on.
type frame struct {
	over                     span
	most                     float64
	left, top, right, bottom float64
	text                     strings.Builder
}

func (f *frame) x(step float64) float64 {
	return f.left + (f.right-f.left)*step/float64(max(1, f.over.steps()-1))
}

func (f *frame) y(v float64) float64 { return f.bottom - (f.bottom-f.top)*v/f.most }

func (f *frame) draw(format string, args ...any) { fmt.Fprintf(&f.text, format, args...) }

func (f *frame) svg(width, height int) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg width="%d" height="%d">%s</svg>`, width, height, f.text.String())) //nolint:gosec // words in it were escaped
}

// lineChart draws the lines of a panel of kind timeseries, with its legend.
func lineChart(p panel, lines []line, over span, width, height int) template.HTML {
	say, unit := units[p.unit()], p.unit()
	stacked := p.FieldConfig.Defaults.Custom.Stacking.Mode == "normal"
	tops, most := heights(lines, stacked)
	marks := ticks(most, unit)
	f := &frame{over: over, most: marks[len(marks)-1], top: 8, right: float64(width) - 12, bottom: float64(height - 22 - legendHeight(lines, width))}
	longest := 0
	for _, mark := range marks {
		longest = max(longest, len([]rune(say(mark))))
	}
	f.left = float64(14 + 7*longest)
	for _, mark := range marks {
		f.draw(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s"/>`, f.left, f.right, f.y(mark), f.y(mark), ruleColour)
		f.draw(`<text x="%.1f" y="%.1f" text-anchor="end" fill="%s">%s</text>`, f.left-6, f.y(mark)+4, textColour, html.EscapeString(say(mark)))
	}
	f.times()
	colours := make([]string, len(lines))
	for i, l := range lines {
		dashed, colour := p.overridden(l)
		if colour == "" {
			colour = palette[i%len(palette)]
		}
		colours[i] = colour
		floor := make([]float64, len(l.values))
		if stacked && i > 0 {
			floor = tops[i-1]
		}
		f.area(tops[i], floor, l.values, colour, p.FieldConfig.Defaults.Custom.FillOpacity/100)
		if width := p.FieldConfig.Defaults.Custom.LineWidth; width > 0 {
			f.line(tops[i], colour, width, dashed)
		}
	}
	f.legend(lines, colours, width)
	return f.svg(width, height)
}

// heights answers how high each line is at each step, on those below it where they are stacked, and the highest.
func heights(lines []line, stacked bool) (tops [][]float64, most float64) {
	for i, l := range lines {
		top := make([]float64, len(l.values))
		for at, v := range l.values {
			if stacked && math.IsNaN(v) {
				v = 0
			}
			if stacked && i > 0 {
				v += tops[i-1][at]
			}
			top[at] = v
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				most = max(most, v)
			}
		}
		tops = append(tops, top)
	}
	return tops, most
}

// pieces answers where values are, from and until: between two pieces there are none.
func pieces(values []float64) (all [][2]int) {
	for i := 0; i < len(values); i++ {
		begun := i
		for i < len(values) && !math.IsNaN(values[i]) && !math.IsInf(values[i], 0) {
			i++
		}
		if i > begun {
			all = append(all, [2]int{begun, i})
		}
	}
	return all
}

// area fills what is below a line, down to the one that it stands on.
func (f *frame) area(top, floor, values []float64, colour string, opacity float64) {
	for _, piece := range pieces(values) {
		var edge strings.Builder
		for at := piece[0]; at < piece[1]; at++ {
			fmt.Fprintf(&edge, "%.1f,%.1f ", f.x(float64(at)), f.y(top[at]))
		}
		for at := piece[1] - 1; at >= piece[0]; at-- {
			fmt.Fprintf(&edge, "%.1f,%.1f ", f.x(float64(at)), f.y(floor[at]))
		}
		f.draw(`<polygon points="%s" fill="%s" fill-opacity="%.2f"/>`, &edge, colour, opacity)
	}
}

// line draws a line. Where it has no values there is a gap, and a lone value is a point.
func (f *frame) line(top []float64, colour string, width float64, dashed bool) {
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="6 5"`
	}
	for _, piece := range pieces(top) {
		if piece[1] == piece[0]+1 {
			f.draw(`<circle cx="%.1f" cy="%.1f" r="1.6" fill="%s"/>`, f.x(float64(piece[0])), f.y(top[piece[0]]), colour)
			continue
		}
		var edge strings.Builder
		for at := piece[0]; at < piece[1]; at++ {
			fmt.Fprintf(&edge, "%.1f,%.1f ", f.x(float64(at)), f.y(top[at]))
		}
		f.draw(`<polyline points="%s" fill="none" stroke="%s" stroke-width="%.1f"%s/>`, &edge, colour, 1.3*width, dash)
	}
}

// times draws the axis of time.
func (f *frame) times() {
	apart := 24 * time.Hour
	for _, step := range []time.Duration{5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour} {
		if float64(f.over.until.Sub(f.over.from))/float64(step) <= (f.right-f.left)/60 {
			apart = step
			break
		}
	}
	format := "15:04"
	if apart < time.Minute {
		format = "15:04:05"
	}
	for at := f.over.from.Truncate(apart).Add(apart); !at.After(f.over.until); at = at.Add(apart) {
		x := f.x(float64(at.Sub(f.over.from)) / float64(f.over.step))
		f.draw(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s"/>`, x, x, f.top, f.bottom, ruleColour)
		if x+26 <= f.right+12 { // else it would be cut off
			f.draw(`<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>`, x, f.bottom+15, textColour, at.UTC().Format(format))
		}
	}
}

// places answers where each name of a legend begins, and how many rows they take.
func places(lines []line, width int) (at [][2]int, rows int) {
	x, y := 8, 0
	for _, l := range lines {
		wide := 34 + int(6.4*float64(len([]rune(l.name))))
		if x > 8 && x+wide > width-8 {
			x, y = 8, y+1
		}
		at = append(at, [2]int{x, y})
		x += wide
	}
	return at, y + 1
}

func legendHeight(lines []line, width int) int {
	_, rows := places(lines, width)
	return rows*legendRow + 4
}

func (f *frame) legend(lines []line, colours []string, width int) {
	at, _ := places(lines, width)
	for i, l := range lines {
		x, y := at[i][0], f.bottom+32+float64(legendRow*at[i][1])
		f.draw(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="4" stroke-linecap="round"/>`, x+2, x+14, y-4, y-4, colours[i])
		f.draw(`<text x="%d" y="%.1f" fill="#ccccdc">%s</text>`, x+22, y, html.EscapeString(l.name))
	}
}
