package engine_test

import (
	"testing"

	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/picture"
)

func TestEstimatesCoverTheDecodedPicture(t *testing.T) {
	base := picture.Info{Format: picture.JPEG, Width: 6000, Height: 4000, Components: 3, Subsampled: true, BitDepth: 8, FileBytes: 8 << 20}
	progressive, full, png := base, base, base
	progressive.Progressive, progressive.Blocks = true, 24_000_000/64*3/2
	full.Subsampled = false
	png.Format, png.Subsampled = picture.PNG, false
	const pixels = 24_000_000
	for name, c := range map[string]struct {
		engine engine.Engine
		info   picture.Info
		least  int64
	}{
		"4:2:0": {engine.Imaging{}, base, pixels * 3 / 2}, "progressive": {engine.Imaging{}, progressive, pixels * 15 / 2},
		"4:4:4": {engine.Imaging{}, full, pixels * 3}, "png": {engine.Imaging{}, png, pixels * 4},
		"planar": {engine.Planar{}, base, pixels * 3 / 8}, "planar, progressive": {engine.Planar{}, progressive, pixels * 3 / 2},
		"planar, png": {engine.Planar{}, png, pixels * 4},
	} {
		got := c.engine.Estimate(c.info)
		if got.Memory < c.least+c.info.FileBytes || got.Memory > 4*c.least+c.info.FileBytes+(150<<20) || got.CPU <= 0 {
			t.Errorf("%s: %d MB, %s", name, got.Memory>>20, got.CPU)
		}
	}
}
