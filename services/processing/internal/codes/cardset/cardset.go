// Package cardset makes photographs of QR cards, and photographs without any, together with what a reader should find in
// them: it is the examination paper of package codes.
//
// A photograph is painted at 3,000 × 2,000, the scale at which package codes looks, and not at 24 megapixels: every size
// and blur is given in pixels of the 6,000 × 4,000 frame and halved. That is a little harder than the real thing, because
// noise and the blocks of JPEG are not averaged away by the reduction. The same Spec always gives the same picture.
package cardset

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Frame is the size of the pictures, and Scale how many of their pixels are one of the 24 megapixel frame.
const (
	Width  = 3000
	Height = 2000
	Scale  = 0.5
)

// Class says what makes a photograph hard.
type Class string

// The classes of photographs.
const (
	Sharp    Class = "sharp"     // at least 400 px wide, at most 35° of yaw: everything must be read
	Steep    Class = "steep"     // yaw 40–60°
	Small    Class = "small"     // 110–220 px wide
	Blurred  Class = "blurred"   // out of focus, up to 27 px
	Moved    Class = "moved"     // motion blur
	Glare    Class = "glare"     // a lamp mirrored on the card
	Bent     Class = "bent"      // curled paper
	LowLight Class = "low light" // a quarter of the light, and noise
	Two      Class = "two codes"
	Mixed    Class = "mixed" // several of these at once
	Lost     Class = "lost"  // nobody can read it, but everybody sees a card
	None     Class = "none"  // no card
)

// Classes are all classes, in the order of a table.
func Classes() []Class {
	return []Class{Sharp, Steep, Small, Blurred, Moved, Glare, Bent, LowLight, Two, Mixed, Lost, None}
}

// Point is a place in shares of the picture's width and height.
type Point struct{ X, Y float64 }

// Code is one QR code of a photograph.
type Code struct {
	Text    string
	Corners [4]Point // of the printed modules: upper left, upper right, lower right, lower left as one reads it
	Modules int      // along one side
}

// Spec says how to make one photograph. Lengths are pixels of the 24 megapixel frame, angles degrees.
type Spec struct {
	Name  string
	Class Class
	Seed  uint64

	Codes      int     // on the card: 0, 1 or 2; without a class-None lookalike no card is painted for 0
	CodeWidth  float64 // of one code held straight
	Text       []string
	Level      string // of error correction: L, M, Q or H
	Yaw, Pitch float64
	Turn       float64 // in the picture's plane
	Blur       float64 // sigma
	Motion     float64 // length of the trace
	Direction  float64
	Glare      float64 // radius of the lamp's image in shares of the code's width
	Bend       float64 // how far the middle of the card stands out, in shares of its width
	Gain       float64 // of the light; 0 is 1
	Noise      float64 // sigma, in grey levels of the finished picture
	Background int
	Lookalike  Lookalike
}

// Set answers the specifications of n photographs with cards and n without, the classes mixed evenly.
func Set(seed uint64, n int) []Spec {
	order := []Class{Sharp, Steep, Blurred, Small, LowLight, Sharp, Moved, Glare, Bent, Blurred, Two, Steep, Mixed, Small, Lost, Mixed}
	specs := make([]Spec, 0, 2*n)
	for i := range n {
		class := order[i%len(order)]
		specs = append(specs, card(class, rand.New(rand.NewPCG(seed, uint64(i))), seed, i))
	}
	for i := range n {
		specs = append(specs, none(rand.New(rand.NewPCG(seed, uint64(1_000_000+i))), seed, i))
	}
	return specs
}

func card(class Class, r *rand.Rand, seed uint64, i int) Spec {
	between := func(a, b float64) float64 { return a + (b-a)*r.Float64() }
	log := func(a, b float64) float64 { return math.Exp(between(math.Log(a), math.Log(b))) }
	s := Spec{
		Name: fmt.Sprintf("%s-%d", class, i), Class: class, Seed: seed ^ uint64(i)<<20, Codes: 1,
		CodeWidth: log(400, 1200), Level: []string{"L", "M", "M", "Q", "H"}[r.IntN(5)],
		Yaw: between(-25, 25), Pitch: between(-12, 12), Turn: between(-180, 180), Noise: between(1, 3), Blur: between(0.6, 1.6),
		Background: r.IntN(1 << 16),
	}
	s.Text = []string{text(r), text(r)}
	sign := func(v float64) float64 {
		if r.IntN(2) == 0 {
			return -v
		}
		return v
	}
	modules := float64(modulesOf(s.Text[0], s.Level))
	switch class {
	case Sharp:
		s.CodeWidth, s.Yaw = log(400, 1600), between(-35, 35)
	case Steep:
		s.CodeWidth, s.Yaw = log(300, 1400), sign(between(40, 60))
	case Small:
		s.CodeWidth = log(110, 220)
	case Blurred:
		s.CodeWidth = log(250, 1600)
		s.Blur = min(27, between(0.35, 1.05)*s.CodeWidth/modules)
	case Moved:
		s.CodeWidth = log(300, 1200)
		s.Motion, s.Direction = between(0.7, 2.2)*s.CodeWidth/modules, between(0, 180)
	case Glare:
		s.Glare = between(0.12, 0.3)
	case Bent:
		s.CodeWidth, s.Bend = log(300, 1400), sign(between(0.04, 0.12))
	case LowLight:
		s.CodeWidth, s.Gain, s.Noise = log(200, 1200), between(0.15, 0.3), between(3, 7)
	case Two:
		s.Codes, s.CodeWidth = 2, log(250, 900)
	case Mixed:
		s.CodeWidth, s.Yaw, s.Pitch = log(160, 700), between(-45, 45), between(-25, 25)
		s.Blur, s.Noise, s.Gain = between(0.2, 0.6)*s.CodeWidth/modules, between(1, 5), between(0.3, 1)
	case Lost:
		s.CodeWidth = log(160, 700)
		s.Blur = min(27, between(1.2, 2)*s.CodeWidth/modules)
	}
	return s
}

func none(r *rand.Rand, seed uint64, i int) Spec {
	s := Spec{
		Name: fmt.Sprintf("none-%d", i), Class: None, Seed: seed ^ uint64(1_000_000+i)<<20, Background: r.IntN(1 << 16),
		Noise: 1 + 4*r.Float64(), Blur: 0.6 + r.Float64(), Lookalike: Lookalike(i % lookalikes),
		Yaw: 70*r.Float64() - 35, Pitch: 24*r.Float64() - 12, Turn: 360 * r.Float64(), CodeWidth: 300 + 900*r.Float64(),
	}
	if r.IntN(4) == 0 {
		s.Blur = 4 + 14*r.Float64()
	}
	if r.IntN(5) == 0 {
		s.Gain, s.Noise = 0.25, 5
	}
	return s
}

// text is what access codes look like: short ones, and addresses that carry one.
func text(r *rand.Rand) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	code := make([]byte, 8)
	for i := range code {
		code[i] = letters[r.IntN(len(letters))]
	}
	switch r.IntN(4) {
	case 0:
		return string(code)
	case 1:
		return "https://photos.example/c/" + string(code)
	case 2:
		return fmt.Sprintf("https://shop.photographer.example/gallery/2026/school-of-the-hills?code=%s&lang=de", code)
	default:
		return string(code[:4]) + "-" + string(code[4:]) + "-" + fmt.Sprint(100000+r.IntN(900000))
	}
}
