package testphotos

import "testing"

func BenchmarkJPEG24MP(b *testing.B) {
	for b.Loop() {
		JPEG(Options{Width: 6000, Height: 4000, Orientation: 6})
	}
}
