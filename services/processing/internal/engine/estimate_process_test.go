package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os/exec"
	"runtime"
	"slices"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/picture"
)

// spent answers the bytes that are asked for to process a file, and those that were set aside for it.
func spent(t *testing.T, src []byte) (took, most int64, err error) {
	t.Helper()
	e := engine.Planar{}
	info, err := e.Probe(t.Context(), src, int64(len(src)))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = e.Process(t.Context(), src, info, engine.Standard())
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc), e.Estimate(info).Memory, err //nolint:gosec // far less
}

// progressive answers a photo in several scans, with colours at full size.
func progressive(t *testing.T, width, height int) []byte {
	t.Helper()
	scene := testphotos.Scene(width, height, 5)
	pixels := fmt.Appendf(nil, "P6\n%d %d\n255\n", width, height)
	for i := 0; i < len(scene.Pix); i += 4 {
		pixels = append(pixels, scene.Pix[i:i+3]...)
	}
	cmd := exec.CommandContext(t.Context(), "cjpeg", "-progressive", "-sample", "1x1") // `make setup` installs it
	cmd.Stdin = bytes.NewReader(pixels)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What our decoder does not know shows itself only behind the header, sometimes behind most of the picture. It must not take more
// memory than the header was weighed at.
func TestWhatShowsItselfLateTakesNoMore(t *testing.T) {
	src := progressive(t, 5000, 2000)
	scans := bytes.Count(src, []byte{0xFF, 0xDA})
	if scans < 5 {
		t.Fatalf("only %d scans", scans)
	}
	last := bytes.LastIndex(src, []byte{0xFF, 0xDA})
	for name, marker := range map[string]byte{"a late number of lines": 0xDC, "arithmetic code": 0xCC, "a second frame": 0xC2} {
		late := slices.Concat(src[:last], []byte{0xFF, marker, 0, 4, 0x0B, 0xB8}, src[last:])
		took, most, err := spent(t, late)
		if r := new(picture.Rejection); !errors.As(err, &r) || r.Code != picture.CodeUnsupported && r.Code != picture.CodeDamaged {
			t.Errorf("%s: %v", name, err)
		}
		if took > most {
			t.Errorf("%s: %d MB were allocated, %d set aside", name, took>>20, most>>20)
		}
	}
}

// What Planar's decoder declines, the standard library declines too: nothing is gained by asking it.
func TestNobodyKnowsMore(t *testing.T) {
	small := testphotos.JPEG(testphotos.Options{Width: 40, Height: 24})
	frame := bytes.Index(small, []byte{0xFF, 0xC0})
	declined := 0
	for _, factors := range every(3, []byte{1, 2, 3, 4}) {
		src := bytes.Clone(small)
		for i := range 3 {
			src[frame+11+3*i] = factors[2*i]<<4 | factors[2*i+1]
		}
		if _, err := jpegscale.Open(src); !errors.As(err, new(*jpegscale.Unsupported)) {
			continue
		}
		declined++
		if _, err := jpeg.DecodeConfig(bytes.NewReader(src)); err == nil {
			t.Fatalf("factors %v are known to the standard library", factors)
		}
	}
	if declined == 0 {
		t.Error("all were known")
	}
}

// every answers all lists of n pairs of these values.
func every(n int, of []byte) [][]byte {
	all := [][]byte{nil}
	for range 2 * n {
		var longer [][]byte
		for _, begin := range all {
			for _, v := range of {
				longer = append(longer, append(slices.Clone(begin), v))
			}
		}
		all = longer
	}
	return all
}

// adam7 is where each pass of an interlaced PNG begins, and how far apart its pixels are.
var adam7 = [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}

// interlaced answers a black PNG in seven passes, of four numbers of 16 bits.
func interlaced(width, height int) []byte {
	header := binary.BigEndian.AppendUint32(nil, uint32(width))    //nolint:gosec // as the caller says
	header = binary.BigEndian.AppendUint32(header, uint32(height)) //nolint:gosec // as the caller says
	return slices.Concat([]byte(signature), chunk("IHDR", append(header, 16, 6, 0, 0, 1)), chunk("IDAT", deflated(width, height, 64, true, nil)), chunk("IEND", nil))
}

// asRGB answers a JPEG whose components are said to be red, green and blue.
func asRGB(jpeg []byte) []byte {
	return slices.Concat(jpeg[:2], []byte("\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x00"), jpeg[2:])
}

// Whatever a picture is like, what is set aside covers what is asked for.
func TestEstimatesHold(t *testing.T) {
	scene := testphotos.Scene(3000, 2000, 4)
	deep := image.NewNRGBA64(image.Rect(0, 0, 3000, 2000))
	sources := map[string][]byte{
		"progressive": progressive(t, 5000, 2000),
		"RGB":         asRGB(testphotos.EncodeJPEG(scene, testphotos.Options{Sampling: testphotos.Full})),
		"CMYK":        testphotos.EncodeJPEG(scene, testphotos.Options{Sampling: testphotos.CMYK}),
		"deep png":    testphotos.EncodePNG(deep, testphotos.Options{}),
		"interlaced":  interlaced(3000, 2000),
		"grey png":    testphotos.EncodePNG(image.NewGray(scene.Rect), testphotos.Options{}),
		"long":        testphotos.JPEG(testphotos.Options{Width: 200, Height: 9000}),
	}
	for name, src := range sources {
		took, most, err := spent(t, src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took > most {
			t.Errorf("%s: %d MB were allocated, %d set aside", name, took>>20, most>>20)
		}
	}
}
