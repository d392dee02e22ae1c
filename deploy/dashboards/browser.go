package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"slices"

	"github.com/chromedp/chromedp"
)

// browser is a Chromium without a window.
type browser struct {
	ctx   context.Context
	close func()
}

func openBrowser(ctx context.Context) (*browser, error) {
	path := ""
	for _, name := range []string{"chromium", "google-chrome", "chromium-browser"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, errors.New("no browser is installed; run: apt-get install --yes chromium")
	}
	profile, err := os.MkdirTemp("", "filmgate-browser-")
	if err != nil {
		return nil, err
	}
	allocator, endAllocator := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.UserDataDir(profile), chromedp.WindowSize(pageWidth, 1000))
	window, end := chromedp.NewContext(allocator)
	b := &browser{ctx: window, close: func() {
		end()
		endAllocator()
		_ = os.RemoveAll(profile)
	}}
	if err := chromedp.Do(window); err != nil {
		b.close()
		return nil, fmt.Errorf("%s does not start: %w", path, err)
	}
	return b, nil
}

// picture shows a page and answers what it looks like.
func (b *browser) picture(ctx context.Context, text []byte, width, height int) ([]byte, error) {
	tab, end := chromedp.NewContext(b.ctx)
	defer end()
	defer context.AfterFunc(ctx, end)()
	err := chromedp.Do(tab, chromedp.EmulateViewport(int64(width), int64(height)),
		chromedp.Navigate("data:text/html;base64,"+base64.StdEncoding.EncodeToString(text)))
	if err != nil {
		return nil, err
	}
	taken, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	if err != nil {
		return nil, err
	}
	return smaller(taken)
}

// smaller writes a picture anew in at most 256 colours, which such a page does not miss.
func smaller(taken []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(taken))
	if err != nil {
		return nil, err
	}
	size := full.Bounds()
	counts := map[color.RGBA]int{}
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			counts[rgba(full.At(x, y))]++
		}
	}
	colours := mostUsed(counts, 256)
	reduced := image.NewPaletted(size, colours)
	nearest := map[color.RGBA]uint8{}
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			c := rgba(full.At(x, y))
			i, known := nearest[c]
			if !known {
				i = uint8(colours.Index(c)) //nolint:gosec // below 256
				nearest[c] = i
			}
			reduced.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, reduced)
	return out.Bytes(), err
}

func rgba(c color.Color) color.RGBA {
	r, g, b, _ := c.RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255} //nolint:gosec // eight bits of sixteen
}

// mostUsed answers the colours of lines, and those that most pixels have.
func mostUsed(counts map[color.RGBA]int, most int) color.Palette {
	all := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		if n := counts[b] - counts[a]; n != 0 {
			return n
		}
		return cmp.Compare(int(a.R)<<16|int(a.G)<<8|int(a.B), int(b.R)<<16|int(b.G)<<8|int(b.B))
	})
	var colours color.Palette
	for _, line := range palette { // of a legend there are few pixels
		var c color.RGBA
		_, _ = fmt.Sscanf(line, "#%02x%02x%02x", &c.R, &c.G, &c.B)
		c.A = 255
		colours = append(colours, c)
	}
	for _, c := range all[:min(most-len(colours), len(all))] {
		colours = append(colours, c)
	}
	return colours
}
