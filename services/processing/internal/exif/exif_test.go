package exif_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/exif"
)

// block answers the TIFF block of a made photo.
func block(t testing.TB, o testphotos.Options) []byte {
	t.Helper()
	photo := testphotos.JPEG(o)
	at := bytes.Index(photo, []byte("Exif\x00\x00"))
	if at < 0 {
		t.Fatal("the photo has no EXIF")
	}
	size := int(photo[at-2])<<8 | int(photo[at-1])
	return photo[at+6 : at-2+size]
}

func TestReadSaysWhatTheCameraWrote(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	at := time.Date(2026, 9, 14, 8, 30, 1, 52e6, zone)
	got := exif.Read(block(t, testphotos.Options{
		Orientation: 6, TakenAt: at, Camera: testphotos.Studio(), Artist: "Zoë Müller", Copyright: "© 2026 Zoë", GPS: true,
	}))
	if got.TakenAt == nil || !got.TakenAt.Equal(at) {
		t.Errorf("taken at %v, want %v", got.TakenAt, at)
	}
	if got.TakenAtOffset != "+02:00" || got.TakenAt.Format("15:04:05.000 -07:00") != "08:30:01.052 +02:00" {
		t.Errorf("offset %q, local time %v", got.TakenAtOffset, got.TakenAt)
	}
	want := testphotos.Studio()
	if got.CameraMake != want.Make || got.CameraModel != want.Model || got.CameraSerial != want.Serial || got.Lens != want.Lens {
		t.Errorf("camera %+v", got.EXIF)
	}
	if got.ISO != 400 || got.FNumber != 5.6 || got.Exposure != "1/250" || got.FocalLengthMM != 50 {
		t.Errorf("settings %+v", got.EXIF)
	}
	if got.Artist != "Zoë Müller" || got.Copyright != "© 2026 Zoë" || !got.HasGPS {
		t.Errorf("owner %+v", got)
	}
}

func TestExposures(t *testing.T) {
	for _, c := range []struct {
		num, den uint32
		want     string
	}{
		{1, 250, "1/250"}, {10, 2500, "1/250"}, {1, 8000, "1/8000"}, {1, 4, "1/4"}, {1, 2, "0.5"}, {13, 10, "1.3"}, {30, 1, "30"}, {0, 1, ""}, {1, 0, ""},
	} {
		camera := testphotos.Studio()
		camera.Exposure = [2]uint32{c.num, c.den}
		if got := exif.Read(block(t, testphotos.Options{Camera: camera})).Exposure; got != c.want {
			t.Errorf("%d/%d: %q, want %q", c.num, c.den, got, c.want)
		}
	}
}

func TestOrientation(t *testing.T) {
	for o := 1; o <= 8; o++ {
		if got := exif.Orientation(block(t, testphotos.Options{Orientation: o})); got != o {
			t.Errorf("orientation %d, want %d", got, o)
		}
	}
	if got := exif.Orientation(block(t, testphotos.Options{Orientation: 9})); got != 0 {
		t.Errorf("orientation 9 read as %d", got)
	}
}

func TestSegmentIsReadBack(t *testing.T) {
	for _, c := range []struct{ artist, copyright string }{{"Jane Roe", "(c) 2026 Jane Roe"}, {"Jo", ""}, {"", "©"}, {"odd", "lengths"}} {
		segment := exif.Segment(c.artist, c.copyright)
		got := exif.Read(segment[10:])
		if got.Artist != c.artist || got.Copyright != c.copyright {
			t.Errorf("%q: got %q and %q", c, got.Artist, got.Copyright)
		}
	}
	if exif.Segment("", "") != nil {
		t.Error("a segment about nothing")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(block(f, testphotos.Options{Orientation: 6, Camera: testphotos.Studio(), GPS: true, TakenAt: time.Unix(1.8e9, 0)}))
	f.Add([]byte("II\x2A\x00\x08\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := exif.Orientation(data); o < 0 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		facts := exif.Read(data)
		if len(facts.Artist) > 500 || strings.ContainsRune(facts.Artist, 0) {
			t.Fatalf("artist %q", facts.Artist)
		}
		exif.Segment(facts.Artist, facts.Copyright)
	})
}
