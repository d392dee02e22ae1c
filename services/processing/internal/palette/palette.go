// Package palette finds the colour that a picture is remembered by, for a page to paint before anything is loaded.
package palette

import (
	"fmt"
	"image"
)

// Dominant answers the most common colour as "#rrggbb": the mean of the fullest of 4,096 cells of the colour cube, in which strong
// colours count up to twice as much as greys.
func Dominant(img *image.NRGBA) string {
	type cell struct{ weight, r, g, b, n int }
	cells := make(map[int]*cell)
	var most *cell
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			p := img.Pix[y*img.Stride+4*x:]
			r, g, b := int(p[0]), int(p[1]), int(p[2])
			at := r>>4<<8 | g>>4<<4 | b>>4
			c := cells[at]
			if c == nil {
				c = new(cell)
				cells[at] = c
			}
			c.weight += 255 + max(r, g, b) - min(r, g, b)
			c.r, c.g, c.b, c.n = c.r+r, c.g+g, c.b+b, c.n+1
			if most == nil || c.weight > most.weight {
				most = c
			}
		}
	}
	if most == nil {
		return ""
	}
	return fmt.Sprintf("#%02x%02x%02x", most.r/most.n, most.g/most.n, most.b/most.n)
}
