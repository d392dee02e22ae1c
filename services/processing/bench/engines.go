package main

import (
	"context"
	"fmt"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"filmgate.dev/services/processing/internal/engine"
)

// program is something that makes derivatives of a photo.
type program struct {
	name, what string
	// command makes derivatives of these long edges as DIR/EDGE.jpg; nil where it cannot.
	command func(file string, edges []int, dir string) []string
}

var standard = []int{2048, 1280, 640, 320}

// available answers ours, and what is installed of others. Turbo is where this program is built with that tag, if it is: what is
// measured of the others has no C in it.
func available(ctx context.Context, turbo string) []program {
	ours := func(binary, name, what string) program {
		return program{name, what, func(file string, edges []int, dir string) []string {
			return []string{binary, "-one", name, file, join(edges), dir}
		}}
	}
	all := []program{
		ours(self(), "decode", "the standard library decodes, and that is all"),
		ours(self(), "imaging", "the reference engine: the standard library and disintegration/imaging"),
		ours(self(), "planar", "the engine of the product"),
	}
	if turbo != "" {
		all = append(all, ours(turbo, "turbo", "the same with libjpeg-turbo through cgo, a build tag"))
	}
	for _, p := range []struct {
		binary, version string
		command         func(file string, edges []int, dir string) []string
	}{
		{"vipsthumbnail", "--vips-version", vips}, {"convert-im6.q16", "-version", magick}, {"ffmpeg", "-version", ffmpeg},
	} {
		if _, err := exec.LookPath(p.binary); err != nil {
			fmt.Printf("%s is not installed: left out\n", p.binary)
			continue
		}
		out, _ := exec.CommandContext(ctx, p.binary, p.version).Output()
		first, _, _ := strings.Cut(string(out), "\n")
		all = append(all, program{p.binary, first, p.command})
	}
	return all
}

func vips(file string, edges []int, dir string) []string {
	var script []string
	for _, e := range edges {
		script = append(script, fmt.Sprintf("vipsthumbnail %s --size %d -o %s[Q=80,strip]", file, e, filepath.Join(dir, strconv.Itoa(e)+".jpg")))
	}
	return []string{"sh", "-ec", strings.Join(script, "\n")}
}

// magick makes each size of the one before, decoded at a scale.
func magick(file string, edges []int, dir string) []string {
	args := []string{"convert-im6.q16", "-define", fmt.Sprintf("jpeg:size=%dx%d", edges[0]*6/5, edges[0]*6/5), file, "-auto-orient", "-strip", "-quality", "80", "-sampling-factor", "2x2"}
	for i, e := range edges {
		args = append(args, "-thumbnail", fmt.Sprintf("%dx%d", e, e))
		out := filepath.Join(dir, strconv.Itoa(e)+".jpg")
		if i < len(edges)-1 {
			args = append(args, "-write", out)
		} else {
			args = append(args, out)
		}
	}
	return args
}

func ffmpeg(file string, edges []int, dir string) []string {
	filter := fmt.Sprintf("split=%d", len(edges))
	args := []string{"ffmpeg", "-y", "-v", "error", "-threads", "1", "-i", file}
	for i := range edges {
		filter += fmt.Sprintf("[i%d]", i)
	}
	for i, e := range edges {
		filter += fmt.Sprintf(";[i%d]scale=%d:%d:force_original_aspect_ratio=decrease:flags=lanczos,format=yuvj420p[o%d]", i, e, e, i)
	}
	args = append(args, "-filter_complex", filter)
	for i, e := range edges {
		args = append(args, "-map", fmt.Sprintf("[o%d]", i), "-frames:v", "1", "-q:v", "4", "-update", "1", filepath.Join(dir, strconv.Itoa(e)+".jpg"))
	}
	return args
}

func join(edges []int) string {
	words := make([]string, len(edges))
	for i, e := range edges {
		words[i] = strconv.Itoa(e)
	}
	return strings.Join(words, ",")
}

// makeOnce is what a process of ours does.
func makeOnce(ctx context.Context, name string, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("give FILE SIZES DIR")
	}
	job := engine.Standard()
	job.Sizes = nil
	for _, word := range strings.Split(args[1], ",") {
		e, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		job.Sizes = append(job.Sizes, e)
	}
	var e engine.Engine
	switch name {
	case "decode":
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		_, err = jpeg.Decode(f)
		return err
	case "imaging":
		e = engine.Imaging{}
	case "planar":
		e = engine.Planar{}
	case engine.Fastest().Name(): // of a build with a tag
		e = engine.Fastest()
	default:
		return fmt.Errorf("there is no engine %q", name)
	}
	src, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	info, err := e.Probe(ctx, src, int64(len(src)))
	if err != nil {
		return err
	}
	result, err := e.Process(ctx, src, info, job)
	if err != nil {
		return err
	}
	for _, d := range result.Derivatives {
		if err := os.WriteFile(filepath.Join(args[2], d.Name+".jpg"), d.JPEG, 0o600); err != nil {
			return err
		}
	}
	return nil
}
