package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"math"
	"slices"
	"time"
)

const (
	pageWidth = 1600
	cell      = 38 // a row of Grafana's grid, with the gap
	headline  = 34 // of a panel
	column    = float64(pageWidth-8) / 24
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

type drawnPanel struct {
	Kind, Title string
	X, Y, W, H  int
	Picture     template.HTML
}

// drawBoard asks for everything that a dashboard shows and makes a picture of it. Problems are what is not right in that picture.
func drawBoard(ctx context.Context, s source, b board, window *browser, from, until time.Time) (picture []byte, problems []error, err error) {
	shown := struct {
		Title, Description, From, Until string
		Panels                          []drawnPanel
		Width, Height                   int
	}{Title: b.Title, Description: b.Description, From: from.UTC().Format(time.DateTime), Until: until.UTC().Format(time.TimeOnly), Width: pageWidth}
	const top = 84
	for _, p := range b.Panels {
		d := drawnPanel{
			Kind: p.Type, Title: p.Title,
			X: 8 + int(math.Round(float64(p.GridPos.X)*column)), Y: top + p.GridPos.Y*cell,
			W: int(math.Round(float64(p.GridPos.W)*column)) - 8, H: p.GridPos.H*cell - 8,
		}
		shown.Height = max(shown.Height, d.Y+d.H+8)
		if p.Type != "row" {
			var wrong []error
			if d.Picture, wrong, err = drawPanel(ctx, s, p, d.W-2, d.H-headline, from, until); err != nil {
				return nil, nil, fmt.Errorf("the panel %q: %w", p.Title, err)
			}
			for _, w := range wrong {
				if reason := empty[b.name()+": "+p.Title]; errors.Is(w, errNoData) && reason != "" {
					say("%s: the panel %q has no data: %s", b.name(), p.Title, reason)
					continue
				}
				problems = append(problems, fmt.Errorf("the panel %q %w", p.Title, w))
			}
		}
		shown.Panels = append(shown.Panels, d)
	}
	var text bytes.Buffer
	if err := page.Execute(&text, shown); err != nil {
		return nil, nil, err
	}
	picture, err = window.picture(ctx, text.Bytes(), shown.Width, shown.Height)
	return picture, problems, err
}

// empty are the panels that show nothing after a normal load, and why.
var empty = map[string]string{}

var errNoData = errors.New("has no data")

// mostLines is what a person can tell apart in one panel.
const mostLines = 15

func drawPanel(ctx context.Context, s source, p panel, width, height int, from, until time.Time) (template.HTML, []error, error) {
	over := s.grid(from, until, width)
	var lines []line
	for _, t := range p.Targets {
		answered, err := s.lines(ctx, t, over)
		if err != nil {
			return "", nil, err
		}
		lines = append(lines, answered...)
	}
	lines = slices.DeleteFunc(lines, func(l line) bool { return math.IsNaN(l.last()) })
	if len(lines) == 0 {
		return template.HTML(fmt.Sprintf(`<div class="nothing" style="height:%dpx">No data</div>`, height)), []error{errNoData}, nil //nolint:gosec // a number
	}
	switch p.Type {
	case "stat":
		if len(lines) > 1 {
			return "", nil, fmt.Errorf("%d numbers for one", len(lines))
		}
		return stat(p, lines, over, width, height), nil, nil
	case "heatmap":
		return heatmap(p, lines, over, width, height), nil, nil
	}
	var wrong []error
	if len(lines) > mostLines {
		wrong = append(wrong, fmt.Errorf("has %d lines", len(lines)))
	}
	names := map[string]bool{}
	for _, l := range lines {
		if names[l.name] || l.name == "" {
			wrong = append(wrong, fmt.Errorf("has two lines, or a nameless one, called %q", l.name))
		}
		names[l.name] = true
	}
	return lineChart(p, lines, over, width, height), wrong, nil
}
