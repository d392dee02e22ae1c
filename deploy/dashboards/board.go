package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// board is a dashboard, of what Grafana's JSON says about it as much as is drawn here.
type board struct {
	file        string
	Title       string
	Description string
	Panels      []panel
}

type panel struct {
	Type        string
	Title       string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Targets     []target
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Min    *float64
			Custom struct {
				FillOpacity float64
				LineWidth   float64
				Stacking    struct{ Mode string }
			}
			Thresholds struct{ Steps []threshold }
		}
		Overrides []override
	}
	Options struct {
		ColorMode string
		GraphMode string
		YAxis     struct{ Unit string }
	}
}

type target struct {
	RefID        string
	Expr         string
	LegendFormat string
	Instant      bool
}

// threshold is the colour of values from one on; without a value, of all below the next.
type threshold struct {
	Color string
	Value *float64
}

// override is one of the two kinds that our dashboards use: a dashed line, or a colour, for the query or the line that it names.
type override struct {
	Matcher    struct{ ID, Options string }
	Properties []struct {
		ID    string
		Value json.RawMessage
	}
}

func readBoards(folder string) ([]board, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no dashboards in %s (%w)", folder, err)
	}
	var boards []board
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		b := board{file: filepath.Base(file)}
		if err := json.Unmarshal(text, &b); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if err := b.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		boards = append(boards, b)
	}
	return boards, nil
}

func (b board) name() string { return strings.TrimSuffix(b.file, ".json") }

// check answers what cannot be drawn: a picture that leaves something out would say what Grafana does not.
func (b board) check() error {
	var wrong []error
	for _, p := range b.Panels {
		for _, problem := range p.check() {
			wrong = append(wrong, fmt.Errorf("the panel %q %s", p.Title, problem))
		}
	}
	return errors.Join(wrong...)
}

func (p panel) check() (problems []string) {
	if !slices.Contains([]string{"row", "timeseries", "stat", "heatmap"}, p.Type) {
		return []string{fmt.Sprintf("is a %s, which is not drawn here", p.Type)}
	}
	if p.Type == "row" {
		return nil
	}
	if p.Title == "" || p.Description == "" {
		problems = append(problems, "lacks a title or a description")
	}
	if len(p.Targets) == 0 {
		problems = append(problems, "has no query")
	}
	if unit := p.unit(); units[unit] == nil {
		problems = append(problems, fmt.Sprintf("has the unit %q, which is not drawn here", unit))
	}
	if mode := p.FieldConfig.Defaults.Custom.Stacking.Mode; mode != "" && mode != "none" && mode != "normal" {
		problems = append(problems, fmt.Sprintf("is stacked as %q, which is not drawn here", mode))
	}
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID != "byFrameRefID" && o.Matcher.ID != "byName" {
			problems = append(problems, fmt.Sprintf("has an override %q, which is not drawn here", o.Matcher.ID))
		}
		for _, property := range o.Properties {
			if property.ID != "custom.lineStyle" && property.ID != "color" {
				problems = append(problems, fmt.Sprintf("overrides %s, which is not drawn here", property.ID))
			}
		}
	}
	return problems
}

func (p panel) unit() string {
	if p.Type == "heatmap" {
		return p.Options.YAxis.Unit
	}
	return p.FieldConfig.Defaults.Unit
}

// overridden answers whether a line is dashed, and its colour where one is given.
func (p panel) overridden(l line) (dashed bool, colour string) {
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID == "byFrameRefID" && o.Matcher.Options != l.query || o.Matcher.ID == "byName" && o.Matcher.Options != l.name {
			continue
		}
		for _, property := range o.Properties {
			switch property.ID {
			case "custom.lineStyle":
				var style struct{ Fill string }
				dashed = json.Unmarshal(property.Value, &style) == nil && style.Fill == "dash"
			case "color":
				var fixed struct{ FixedColor string }
				if json.Unmarshal(property.Value, &fixed) == nil {
					colour = named(fixed.FixedColor)
				}
			}
		}
	}
	return dashed, colour
}
