package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/picture"
)

// broken answers a photo whose compressed pixels were overwritten in the middle.
func broken() []byte {
	photo := testphotos.JPEG(testphotos.Options{Width: 800, Height: 600})
	copy(photo[len(photo)/2:], bytes.Repeat([]byte{0xFF, 0xC7}, 100))
	return photo
}

func zeroTail() []byte {
	photo := testphotos.JPEG(testphotos.Options{Width: 800, Height: 600})
	clear(photo[len(photo)/2:])
	return photo
}

func patched(photo []byte, marker byte, offset int, value byte) []byte {
	at := bytes.Index(photo, []byte{0xFF, marker})
	photo = slices.Clone(photo)
	photo[at+offset] = value
	return photo
}

func TestRejections(t *testing.T) {
	small := testphotos.JPEG(testphotos.Options{Width: 64, Height: 48})
	png := testphotos.PNG(testphotos.Options{Width: 64, Height: 48})
	for name, c := range map[string]struct {
		src   []byte
		code  picture.Code
		words string
	}{
		"empty":            {nil, picture.CodeEmpty, "is empty (0 bytes)"},
		"text":             {testphotos.TextNamedJPG(), picture.CodeNotAnImage, "not a photo but text"},
		"web page":         {testphotos.HTML(), picture.CodeNotAnImage, "but a web page"},
		"noise":            {[]byte("\x01\x02\x03\xFE\xFD\x80 nothing that anybody knows, and long enough to be a file of its own"), picture.CodeNotAnImage, "but something else"},
		"one byte":         {[]byte{0xFF}, picture.CodeNotAnImage, "not a photo"},
		"zeros":            {make([]byte, 10000), picture.CodeDamaged, "nothing but zeros"},
		"HEIC":             {append([]byte("\x00\x00\x00\x18ftypheic"), make([]byte, 100)...), picture.CodeUnsupported, "HEIC photo"},
		"raw":              {append([]byte("II\x2A\x00\x10\x00\x00\x00CR\x02\x00"), make([]byte, 100)...), picture.CodeUnsupported, "Canon raw"},
		"cut in half":      {testphotos.Truncated(), picture.CodeTruncated, "This file ends in the middle: it was probably cut off while it was copied from the card. Upload it again."},
		"cut in header":    {small[:100], picture.CodeTruncated, "ends in the middle"},
		"only the start":   {small[:3], picture.CodeTruncated, "ends in the middle"},
		"zeros at the end": {zeroTail(), picture.CodeTruncated, "ends in the middle"},
		"PNG cut":          {png[:len(png)/2], picture.CodeTruncated, "ends in the middle"},
		"PNG end cut":      {png[:len(png)-12], picture.CodeTruncated, "ends in the middle"},
		"broken pixels":    {broken(), picture.CodeDamaged, "damaged and cannot be opened"},
		"PNG wrong sum":    {append(append(slices.Clone(png[:len(png)-30]), 1, 2, 3), png[len(png)-27:]...), picture.CodeDamaged, "damaged"},
		"no width":         {patched(patched(small, 0xC0, 7, 0), 0xC0, 8, 0), picture.CodeDamaged, "no width"},
		"bomb":             {testphotos.Bomb(), picture.CodeTooLarge, "65500 × 65500 pixels"},
		"PNG bomb":         {testphotos.PNGBomb(), picture.CodeTooLarge, "50000 × 50000 pixels"},
		"long PNG":         {testphotos.PNG(testphotos.Options{Width: picture.MostSide + 1, Height: 1}), picture.CodeTooLarge, "30000 pixels on a side"},
		"65 scans":         {testphotos.ManyScans(66), picture.CodeUnsupported, "more than 64 passes"},
		"lossless JPEG":    {patched(small, 0xC0, 1, 0xC3), picture.CodeUnsupported, "lossless"},
		"12 bits":          {patched(small, 0xC0, 4, 12), picture.CodeUnsupported, "more than 8 bits"},
		"large profile":    {testphotos.PNG(testphotos.Options{ICC: make([]byte, picture.MostProfile+1)}), picture.CodeTooLarge, "colour profile"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range engines() {
				_, err := process(t.Context(), e, c.src)
				r := new(picture.Rejection)
				if !errors.As(err, &r) {
					t.Fatalf("%s: not refused: %v", e.Name(), err)
				}
				if r.Code != c.code || !strings.Contains(r.Message, c.words) {
					t.Errorf("%s: refused as %s: %s\nwant %s: …%s…", e.Name(), r.Code, r.Message, c.code, c.words)
				}
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("a rejection is %v", fault.KindOf(err))
				}
				if !strings.HasSuffix(r.Message, ".") || !strings.Contains(r.Message, "pload") && !strings.Contains(r.Message, "xport") {
					t.Errorf("the words do not say what to do: %s", r.Message)
				}
			}
		})
	}
}

func TestFileSize(t *testing.T) {
	_, err := engine.Imaging{}.Probe(t.Context(), testphotos.JPEG(testphotos.Options{}), picture.MostFileBytes+1)
	if r := new(picture.Rejection); !errors.As(err, &r) || r.Code != picture.CodeTooLarge {
		t.Errorf("a file of more than 200 MB: %v", err)
	}
}

func TestSixtyFourScansAreFine(t *testing.T) {
	for _, e := range engines() {
		if _, err := process(t.Context(), e, testphotos.ManyScans(63)); err != nil {
			t.Error(err)
		}
	}
}

// A decoder that finds another picture than the one that was weighed must not begin with it.
func TestOnlyWhatWasWeighedIsDecoded(t *testing.T) {
	o := testphotos.Options{Width: 640, Height: 480}
	for name, src := range map[string][]byte{"jpeg": testphotos.JPEG(o), "png": testphotos.PNG(o)} {
		each(t, func(t *testing.T, e engine.Engine) {
			info, err := e.Probe(t.Context(), src, int64(len(src)))
			if err != nil {
				t.Fatal(err)
			}
			info.Width = 64
			_, err = e.Process(t.Context(), src, info, engine.Standard())
			if r := new(picture.Rejection); !errors.As(err, &r) || r.Code != picture.CodeDamaged {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// What a header claims must cost nothing before it is believed.
func TestBombsCostNothing(t *testing.T) {
	for name, bomb := range map[string][]byte{"jpeg": testphotos.Bomb(), "png": testphotos.PNGBomb()} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := process(t.Context(), engine.Imaging{}, bomb)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Fatalf("%s: not refused", name)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, spent)
		}
	}
}

func FuzzProcess(f *testing.F) {
	o := testphotos.Options{Width: 40, Height: 24, Orientation: 6, Camera: testphotos.Studio(), ICC: testphotos.AdobeRGB(), Artist: "A"}
	for s := testphotos.Subsampled; s <= testphotos.CMYK; s++ {
		o.Sampling = s
		f.Add(testphotos.JPEG(o))
	}
	f.Add(testphotos.PNG(o))
	f.Add(testphotos.ManyScans(6))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := engine.Imaging{}.Probe(t.Context(), data, int64(len(data)))
		if err == nil && info.Width*info.Height > 1<<20 {
			return // fine, but slow
		}
		for _, e := range engines() {
			check(t, e, data)
		}
	})
}

func check(t *testing.T, e engine.Engine, data []byte) {
	t.Helper()
	result, err := process(t.Context(), e, data)
	if r := new(picture.Rejection); err != nil && (!errors.As(err, &r) || r.Message == "" || strings.Contains(fmt.Sprint(r.Cause), "panic")) {
		t.Fatalf("neither a result nor a clean rejection: %v", err)
	}
	if err == nil && (len(result.Derivatives) == 0 || result.Image.Placeholder == "") {
		t.Fatal("a result without pictures")
	}
}
