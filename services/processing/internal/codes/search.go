package codes

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// search is one look at one photograph.
type search struct {
	ctx     context.Context
	levels  []*level // each half of the one before
	found   []Code
	sheets  []*sheet // what was located, but not read at once
	patches []patch
	pattern bool // there are so many patches that they are a pattern, of a wall or of a cloth
	work    int
}

const (
	largest  = 4200 // of the long edge in which is looked; more is halved
	smallest = 50
	thinnest = 16

	mostInsist  = 8
	mostPatches = 16         // each is seen at two thresholds, and perhaps in two levels
	mostWork    = 12_000_000 // brightness values asked for in grids: a quarter of a second
	mostUnsure  = 4_000_000  // the same, before what may be no code is given up
	mostPart    = 1 << 19    // pixels that are sharpened in one level
)

func (s *search) run(top *level) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("codes: a mistake in the search: %v", p)
		}
	}()
	for max(top.w, top.h) > largest {
		if top = top.half(); s.ctx.Err() != nil {
			return s.ctx.Err()
		}
	}
	top.larger, top.scale = nil, 1
	for l := top; min(l.w, l.h) >= thinnest; l = l.half() {
		s.levels = append(s.levels, l)
		if max(l.w, l.h) <= 2*smallest {
			break
		}
	}
	steps := []func() error{s.lookAtAll, s.lookFromAfar, s.lookSharpened, s.insist}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// lookAtAll looks at every level, the second largest first: nearly every card is read there, and what is read once is
// not looked at again.
func (s *search) lookAtAll() error {
	for i := range s.levels {
		if i < 2 && len(s.levels) > 1 {
			i = 1 - i
		}
		if i < 2 {
			for _, c := range zxing(s.levels[i], MostCodes-len(s.found)) {
				if !s.overlaps(c.Corners) {
					s.found = append(s.found, c)
				}
			}
		}
		if err := s.look(s.levels[i]); err != nil {
			return err
		}
	}
	return nil
}

// look searches one level.
func (s *search) look(l *level) error {
	if len(s.found) == MostCodes {
		return nil
	}
	rings, err := findRings(s.ctx, l)
	if err != nil {
		return err
	}
	rings = slices.DeleteFunc(rings, func(r ring) bool { return s.known(l, r) })
	found := triples(rings)
	if l.plain == nil && len(rings) <= mostRings/2 {
		found = append(found, pairs(rings)...)
	}
	for _, t := range found {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if len(s.found) == MostCodes || s.work > mostUnsure {
			return nil
		}
		if !s.known(l, t.a) && !s.known(l, t.b) && !s.known(l, t.c) && !s.tried(l, t) {
			s.try(l, t)
		}
	}
	return nil
}

// tried reports whether grids lie on these rings already, from other levels or, for two rings, from three.
func (s *search) tried(l *level, t triple) bool {
	whole, all := 0, 0
	for _, g := range s.sheets {
		if !g.holds(l, t) {
			continue
		}
		all++
		if len(g.seeking) == 1 {
			whole++
		}
	}
	if t.lost > 0 {
		return whole > 0 || all > 3
	}
	return whole > 1
}

// try reads what lies between three rings of a level, if that is easy.
func (s *search) try(l *level, t triple) {
	var sheets []*sheet
	for _, n := range t.sizes() {
		if g := newSheet(l, t, n, &s.work); g != nil {
			g.settle()
			sheets = append(sheets, g)
		}
	}
	slices.SortStableFunc(sheets, func(a, b *sheet) int { return cmp.Compare(b.match, a.match) })
	for _, g := range sheets[:min(2, len(sheets))] {
		if !g.plausible(1) {
			return
		}
		if text, ok := g.read(); ok {
			s.keep(g, text)
			return
		}
		s.sheets = append(s.sheets, g)
	}
}

// sure reports whether a grid lies on a code beyond doubt: its patterns say it alone, or, where they are weak, the picture
// had to be sharpened for them, or a ring had to be guessed, there is a grey patch in the same place.
func (s *search) sure(g *sheet) bool {
	if g.level == g.plain && g.quiet() > 0.35 && g.match > 0.6 && g.timing > 0.3 && g.match+g.timing > 0.75+0.2*float64(len(g.seeking)) {
		return true
	}
	x, y := g.place(float64(g.n)/2, float64(g.n)/2)
	x, y = (x+g.level.left)*g.level.scale, (y+g.level.top)*g.level.scale
	side := float64(g.n) * g.module() * g.level.scale
	return g.plausible(1.1) && slices.ContainsFunc(s.patches, func(p patch) bool { return p.grey && math.Hypot(p.x-x, p.y-y) < 0.2*side })
}

func (s *search) keep(g *sheet, text string) {
	s.found = append(s.found, Code{Text: text, Corners: g.corners(s.levels[0])})
}

// lookFromAfar seeks what may be codes out of focus.
func (s *search) lookFromAfar() error {
	grey := 0
	for _, l := range s.levels[min(2, len(s.levels)):] {
		for _, p := range l.patches() {
			s.patches = append(s.patches, p)
			if p.grey {
				grey++
			}
		}
	}
	s.pattern = grey > mostPatches
	return s.ctx.Err()
}

// lookSharpened finds the rings that blur has closed.
func (s *search) lookSharpened() error {
	for _, l := range s.levels[:min(4, len(s.levels))] {
		for _, part := range s.parts(l) {
			sharp := part.sharpen().sharpen()
			if err := s.look(sharp); err != nil {
				return err
			}
			if part != l { // here it is worth to go on
				if err := s.look(sharp.sharpen()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// parts answers where in a level sharpening is worth its time: everywhere in a small one, around the patches in a large one.
func (s *search) parts(l *level) []*level {
	var out []*level
	if l.w*l.h <= mostPart {
		out = append(out, l)
	}
	area := 0
	for _, p := range s.patches {
		const around = 1.6
		x, y := p.x/l.scale, p.y/l.scale
		dx, dy := around*(math.Abs(p.ux)+math.Abs(p.vx))/l.scale, around*(math.Abs(p.uy)+math.Abs(p.vy))/l.scale
		part := l.crop(int(x-dx), int(y-dy), int(x+dx), int(y+dy))
		if part == nil || !p.grey || s.known(l, ring{x: x, y: y}) || area+part.w*part.h > mostPart {
			continue
		}
		area += part.w * part.h
		out = append(out, part)
	}
	return out
}

// insist goes back to what was located but not read, the best first, and takes off blur and bends.
func (s *search) insist() error {
	slices.SortStableFunc(s.sheets, func(a, b *sheet) int { return cmp.Compare(b.match+b.timing, a.match+a.timing) })
	for _, g := range s.sheets {
		g.sure = s.sure(g) // before it is bent and moved
	}
	var failed []*sheet
	for _, g := range s.sheets {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if len(s.found) == MostCodes || len(failed) == mostInsist || s.work > mostWork {
			return nil
		}
		if !g.sure && s.work > mostUnsure {
			continue
		}
		alike := 0
		for _, f := range failed {
			if f.like(g) {
				alike++
			}
		}
		if alike == 2 || s.overlaps(g.corners(s.levels[0])) {
			continue
		}
		if text, ok := g.insist(s.ctx); ok {
			s.keep(g, text)
		} else {
			failed = append(failed, g)
		}
	}
	return nil
}

// unread reports whether something was seen that was not read.
func (s *search) unread() bool {
	for _, g := range s.sheets {
		if g.sure && !s.overlaps(g.corners(s.levels[0])) {
			return true
		}
	}
	// Beside a code that was read a patch proves nothing: it is the same card's print, or the code itself.
	return len(s.found) == 0 && !s.pattern && slices.ContainsFunc(s.patches, func(p patch) bool { return p.code })
}

// known reports whether a ring of a level is inside a code that was read.
func (s *search) known(l *level, r ring) bool {
	p := l.share(r.x, r.y, s.levels[0])
	return slices.ContainsFunc(s.found, func(c Code) bool { return inside(c.Corners, p) })
}

// overlaps reports whether something lies on a code that was read.
func (s *search) overlaps(q [4]Point) bool {
	middle := Point{}
	for _, c := range q {
		middle.X, middle.Y = middle.X+c.X/4, middle.Y+c.Y/4
	}
	return slices.ContainsFunc(s.found, func(c Code) bool {
		return inside(c.Corners, middle) || slices.ContainsFunc(q[:], func(p Point) bool { return inside(c.Corners, p) })
	})
}

// inside reports whether a point is in a convex quadrilateral.
func inside(q [4]Point, p Point) bool {
	sign := 0
	for i := range q {
		a, b := q[i], q[(i+1)%4]
		cross := (b.X-a.X)*(p.Y-a.Y) - (b.Y-a.Y)*(p.X-a.X)
		switch {
		case cross > 0 && sign < 0, cross < 0 && sign > 0:
			return false
		case cross > 0:
			sign = 1
		case cross < 0:
			sign = -1
		}
	}
	return true
}
