package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"filmgate.dev/services/processing/internal/plane"
	"filmgate.dev/services/processing/internal/ssim"
)

// figures are of one program and one photo.
type figures struct {
	set, single []float64 // CPU seconds, of each round
	memory      []float64 // MB at most, for the set
	bytes       int       // of the whole set
	likeness    []string  // to the reference, of each size
}

// measure prints a table of a photo.
func (s sample) measure(ctx context.Context, programs []program, rounds int, dir string) error {
	src, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	img, _, err := image.Decode(bytes.NewReader(src))
	if err != nil {
		return err
	}
	size := img.Bounds().Size()
	fmt.Printf("\n%s: %.1f megapixels, %.1f MB\n\n", s.name, float64(size.X*size.Y)/1e6, float64(len(src))/1e6)
	references := reference(luma(img), standard)

	all := make([]figures, len(programs))
	for range rounds {
		for i, p := range programs {
			if p.name == "decode" && !strings.HasSuffix(s.path, ".jpg") {
				continue
			}
			f := &all[i]
			out := filepath.Join(dir, p.name)
			if err := os.MkdirAll(out, 0o700); err != nil {
				return err
			}
			cpu, memory, _, err := run(ctx, p.command(s.path, standard, out))
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			f.set, f.memory = append(f.set, cpu), append(f.memory, memory)
			if p.name != "decode" {
				if f.bytes, f.likeness, err = compareWith(out, references); err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				if cpu, _, _, err = run(ctx, p.command(s.path, []int{320}, out)); err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				f.single = append(f.single, cpu)
			}
		}
	}
	decoding := median(all[0].set)
	fmt.Println("| engine | set, CPU s | of decoding alone | one 320, CPU s | peak MB | bytes of the set | SSIM 2048 · 1280 · 640 · 320 |\n|---|---|---|---|---|---|---|")
	for i, p := range programs {
		f := all[i]
		if len(f.set) == 0 {
			continue
		}
		fmt.Printf("| %s | %.3f | %s | %s | %.0f | %s | %s |\n", p.name, median(f.set), ratio(median(f.set), decoding), seconds(f.single), slices.Max(f.memory), number(f.bytes), strings.Join(f.likeness, " · "))
	}
	return nil
}

// run answers the CPU seconds and the most resident memory, in MB, of a process and its children, and what it printed.
func run(ctx context.Context, args []string) (cpu, memory float64, printed string, err error) {
	// By a small process between: what a process forked from is counted as its own.
	cmd := exec.CommandContext(ctx, self(), append([]string{"-spawn", "--"}, args...)...)
	cmd.Env = append(os.Environ(), "VIPS_CONCURRENCY=1", "MAGICK_THREAD_LIMIT=1", "GOMAXPROCS=2")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, "", fmt.Errorf("%w: %s", err, out)
	}
	used, printed, _ := strings.Cut(string(out), "\n")
	_, err = fmt.Sscanf(used, "%f %f", &cpu, &memory)
	return cpu, memory, printed, err
}

// spawn runs a program and prints what it used, and then what it printed.
func spawn(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not tell what a process used")
	}
	fmt.Println((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), float64(usage.Maxrss)/1024)
	_, err = os.Stdout.Write(out)
	return err
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// compareWith reads what was made.
func compareWith(dir string, references map[int]plane.Plane) (total int, likeness []string, err error) {
	for _, edge := range standard {
		src, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(edge)+".jpg"))
		if err != nil {
			return 0, nil, err
		}
		total += len(src)
		img, err := jpeg.Decode(bytes.NewReader(src))
		if err != nil {
			return 0, nil, err
		}
		word := "another size"
		if got, err := ssim.Mean(luma(img), references[edge]); err == nil {
			word = fmt.Sprintf("%.4f", got)
		}
		likeness = append(likeness, word)
	}
	return total, likeness, nil
}

func luma(img image.Image) plane.Plane {
	switch img := img.(type) {
	case *image.YCbCr:
		return plane.Plane{Pix: img.Y, Stride: img.YStride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}
	case *image.Gray:
		return plane.Plane{Pix: img.Pix, Stride: img.Stride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}
	}
	gray := image.NewGray(img.Bounds())
	draw.Draw(gray, gray.Rect, img, img.Bounds().Min, draw.Src)
	return luma(gray)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func ratio(v, of float64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", v/of)
}

func seconds(v []float64) string {
	if len(v) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", median(v))
}

func number(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}
