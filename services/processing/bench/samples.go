package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/disintegration/imaging"

	"filmgate.dev/pkg/testphotos"
)

// sample is a photo to be measured with.
type sample struct {
	name, path string
}

// collect answers the photographs of a folder, and those that are made of them or, without a folder, of nothing: one of 45
// megapixels, one of 12, and a PNG of 24.
func collect(folder, only, dir string) ([]sample, error) {
	var all []sample
	if folder != "" {
		files, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("there are no photographs in %s", folder)
		}
		for _, f := range files {
			all = append(all, sample{filepath.Base(f), f})
		}
	}
	var real [3]image.Image // of other content, where there are as many
	for i := range real {
		if len(all) == 0 {
			real[i] = testphotos.Scene(6000, 4000, uint64(i))
			continue
		}
		src, err := os.ReadFile(all[i%len(all)].path)
		if err != nil {
			return nil, err
		}
		if real[i], err = jpeg.Decode(bytes.NewReader(src)); err != nil {
			return nil, err
		}
	}
	for _, made := range []struct {
		name string
		of   func() ([]byte, error)
	}{
		{"made-45mp-420.jpg", func() ([]byte, error) { return tiled(real[:], 8256, 5504) }},
		{"made-12mp-420.jpg", func() ([]byte, error) {
			return encoded(imaging.CropCenter(real[0], 4272, 2848))
		}},
		{"made-24mp.png", func() ([]byte, error) {
			var out bytes.Buffer
			err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, imaging.Clone(real[1]))
			return out.Bytes(), err
		}},
	} {
		if !strings.Contains(made.name, only) {
			continue
		}
		src, err := made.of()
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, made.name)
		if err := os.WriteFile(path, src, 0o600); err != nil {
			return nil, err
		}
		all = append(all, sample{made.name, path})
	}
	var wanted []sample
	for _, s := range all {
		if strings.Contains(s.name, only) {
			wanted = append(wanted, s)
		}
	}
	return wanted, nil
}

// tiled lays pictures beside one another at their own size, as far as there is room.
func tiled(of []image.Image, w, h int) ([]byte, error) {
	out := imaging.New(w, h, image.White.C)
	for i, at := range []image.Point{{0, 0}, {w - 6000, h - 4000}, {0, h - 4000}} {
		out = imaging.Paste(out, of[i], at)
	}
	return encoded(out)
}

func encoded(img *image.NRGBA) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}, &jpeg.Options{Quality: 92})
	return out.Bytes(), err
}
