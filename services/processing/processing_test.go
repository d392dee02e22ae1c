package processing

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/codes/cardset"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/queue"
)

func TestAMappedPhotoIsProcessed(t *testing.T) {
	h := start(t, Config{})
	src := testphotos.JPEG(testphotos.Options{
		Width: 1500, Height: 1000, Orientation: 6, Camera: testphotos.Studio(), TakenAt: time.Date(2026, 9, 14, 8, 30, 1, 5e7, time.UTC), GPS: true,
	})
	photo := mapped(src, "01VERSION000000000000000AA")
	h.store(photo, src)
	h.say(photo)
	env, got := answer[events.PhotoProcessed](h)
	if want := "photo.processed:" + photoID + ":" + photo.Version + ":0"; env.ID != want {
		t.Errorf("id %s, want %s", env.ID, want)
	}
	if got.PhotoID != photoID || got.Version != photo.Version || got.JobID != job || got.MediaType != "image/jpeg" || got.Codes == nil || got.Warnings == nil {
		t.Errorf("%+v", got)
	}
	if im := got.Image; im.DisplayWidth != 1500 || im.DisplayHeight != 1000 || im.Width != 1000 || im.Orientation != 6 || im.ColorProfile != "sRGB" || im.Placeholder == "" {
		t.Errorf("image %+v", im)
	}
	if got.EXIF.TakenAt == nil || got.EXIF.CameraSerial != "0042" || !got.EXIF.HasGPS {
		t.Errorf("exif %+v", got.EXIF)
	}
	if len(got.Derivatives) != 4 {
		t.Fatalf("derivatives %+v", got.Derivatives)
	}
	for i, d := range got.Derivatives {
		if name := []string{"2048", "1280", "640", "320"}[i]; d.Name != name || d.Key != "d/"+account+"/"+job+"/"+photoID+"/"+photo.Version+"/"+name+".jpg" || d.Bucket != h.bucket.Name() {
			t.Errorf("derivative %+v", d)
		}
		stored := h.read(d.Key)
		img, err := jpeg.Decode(bytes.NewReader(stored))
		if err != nil || int64(len(stored)) != d.Bytes || img.Bounds().Dx() != d.Width || !testphotos.Upright(img) {
			t.Errorf("derivative %s: %v, %d bytes", d.Name, err, len(stored))
		}
	}
}

func TestABadFileIsRejectedAndTheNextIsNot(t *testing.T) {
	h := start(t, Config{Workers: 1})
	for i, c := range []struct {
		src  []byte
		code picture.Code
	}{
		{testphotos.Truncated(), picture.CodeTruncated},
		{testphotos.TextNamedJPG(), picture.CodeNotAnImage},
		{[]byte{}, picture.CodeEmpty},
		{testphotos.Bomb(), picture.CodeTooLarge},
	} {
		photo := mapped(c.src, "01BAD"+string(rune('A'+i)))
		photo.Attempt = i
		h.store(photo, c.src)
		h.say(photo)
		env, got := answer[events.PhotoRejected](h)
		if got.Reason.Code != string(c.code) || got.Reason.Message == "" || got.Version != photo.Version || got.Attempt != i {
			t.Errorf("%+v, want %s", got, c.code)
		}
		if !strings.HasSuffix(env.ID, photo.Version+":"+string(rune('0'+i))) {
			t.Errorf("id %s", env.ID)
		}
	}
	src := testphotos.PNG(testphotos.Options{})
	photo := mapped(src, "01GOOD")
	h.store(photo, src)
	h.say(photo)
	if _, got := answer[events.PhotoProcessed](h); got.MediaType != "image/png" {
		t.Errorf("%+v", got)
	}
}

func TestTheBucketIsAwayForAWhile(t *testing.T) {
	h := start(t, Config{})
	src := testphotos.JPEG(testphotos.Options{})
	photo := mapped(src, "01AWAY")
	h.store(photo, src)
	h.line.set(true)
	h.say(photo)
	<-h.line.refused
	h.line.set(false)
	if _, got := answer[events.PhotoProcessed](h); got.Version != photo.Version {
		t.Errorf("%+v", got)
	}
}

// An outage of the bucket says nothing about a photo: it is never rejected for that, however often it was tried.
func TestAnOutageIsNotThePhotosFault(t *testing.T) {
	h := start(t, Config{})
	h.stop()
	photo := mapped(testphotos.JPEG(testphotos.Options{}), "01OUT")
	env, err := events.NewEnvelope("test", events.TypePhotoMapped, account, photoID, "v", time.Now(), photo)
	if err != nil {
		t.Fatal(err)
	}
	data, err := events.Encode(env)
	if err != nil {
		t.Fatal(err)
	}
	h.line.set(true)
	if err := h.service.photoMapped(t.Context(), events.Message{Data: data, Delivered: attempts}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if n, _, err := h.done.Pending(); err != nil || n != 0 {
		t.Errorf("%d answers, %v", n, err)
	}
}

func TestARedeliverySaysTheSame(t *testing.T) {
	h := start(t, Config{})
	src := testphotos.JPEG(testphotos.Options{})
	photo := mapped(src, "01AGAIN")
	h.store(photo, src)
	h.say(photo)
	first, _ := answer[events.PhotoProcessed](h)
	h.stop()
	stream, err := h.js.Stream(t.Context(), streamWork)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	before, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.service.photoMapped(t.Context(), events.Message{Data: asked.Data, Delivered: 2}); err != nil {
		t.Fatal(err)
	}
	if again, _ := answer[events.PhotoProcessed](h); again.ID != first.ID {
		t.Errorf("id %s, then %s", first.ID, again.ID)
	}
	after, err := stream.Info(t.Context())
	if err != nil || after.State.Msgs != before.State.Msgs {
		t.Errorf("%d messages, then %d: %v", before.State.Msgs, after.State.Msgs, err)
	}
}

// What may lie outside of the file is tried again, and in the end a person is told.
func TestWhatIsTriedAgain(t *testing.T) {
	src := testphotos.JPEG(testphotos.Options{})
	for name, c := range map[string]struct {
		spoil func(h *harness, photo events.PhotoMapped)
		code  picture.Code
		words string
	}{
		"missing": {func(*harness, events.PhotoMapped) {}, picture.CodeLost, "no longer in the photo store"},
		"altered": {func(h *harness, p events.PhotoMapped) {
			other := bytes.Clone(src)
			other[len(other)/2] ^= 1
			h.store(p, other)
		}, picture.CodeAltered, "other bytes"},
		"altered header": {func(h *harness, p events.PhotoMapped) {
			other := bytes.Clone(src)
			other[0] = 0
			h.store(p, other)
		}, picture.CodeAltered, "other bytes"},
		"shorter": {func(h *harness, p events.PhotoMapped) { h.store(p, src[:len(src)-1]) }, picture.CodeAltered, "other bytes"},
		"too slow": {func(h *harness, p events.PhotoMapped) {
			h.store(p, src)
			h.service.engine = late{}
			h.service.patience = func(engine.Estimate, int) time.Duration { return time.Millisecond }
		}, picture.CodeFailed, "Retry it later"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, Config{})
			h.stop() // deliveries come from here
			photo := mapped(src, "01ODD")
			c.spoil(h, photo)
			env, err := events.NewEnvelope("test", events.TypePhotoMapped, account, photoID, "v", time.Now(), photo)
			if err != nil {
				t.Fatal(err)
			}
			data, err := events.Encode(env)
			if err != nil {
				t.Fatal(err)
			}
			err = h.service.photoMapped(t.Context(), events.Message{Data: data, Delivered: 1})
			if k := fault.KindOf(err); err == nil || k == fault.Invalid || k == fault.Denied || k == fault.Exists {
				t.Fatalf("the first delivery is not tried again: %v", err)
			}
			if err := h.service.photoMapped(t.Context(), events.Message{Data: data, Delivered: attempts}); err != nil {
				t.Fatal(err)
			}
			if _, got := answer[events.PhotoRejected](h); got.Reason.Code != string(c.code) || !strings.Contains(got.Reason.Message, c.words) {
				t.Errorf("%+v", got.Reason)
			}
		})
	}
}

// late is an engine that is always too slow.
type late struct{ engine.Imaging }

func (late) Process(ctx context.Context, _ []byte, _ picture.Info, _ engine.Job) (engine.Result, error) {
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) > time.Minute {
		return engine.Result{}, errors.New("no deadline in sight")
	}
	<-ctx.Done()
	return engine.Result{}, ctx.Err()
}

func TestPatienceGrows(t *testing.T) {
	small, large := engine.Estimate{CPU: time.Millisecond}, engine.Estimate{CPU: time.Minute}
	if patient(small, 1) != leastPatience || patient(large, 1) <= leastPatience {
		t.Errorf("at first %s and %s", patient(small, 1), patient(large, 1))
	}
	for delivered := 2; delivered <= attempts; delivered++ {
		if patient(small, delivered) != 2*patient(small, delivered-1) {
			t.Errorf("delivery %d: %s", delivered, patient(small, delivered))
		}
	}
}

// A picture that needs more than the whole budget is made all the same, alone.
func TestALittleMemoryIsEnough(t *testing.T) {
	h := start(t, Config{Workers: 4, MemoryMiB: 64})
	src := testphotos.JPEG(testphotos.Options{Width: 1000, Height: 800})
	for _, version := range []string{"01A", "01B", "01C"} {
		photo := mapped(src, version)
		h.store(photo, src)
		h.say(photo)
	}
	for range 3 {
		answer[events.PhotoProcessed](h)
	}
	release, err := h.service.budget.Acquire(t.Context(), queue.Request{Weight: h.service.memory})
	if err != nil {
		t.Fatalf("memory was not given back: %v", err)
	}
	release()
}

// A photo that takes more memory than the container has is refused in words: trying would end the process, and with it what others
// wait for, at every delivery again.
func TestMoreMemoryThanThereIs(t *testing.T) {
	h := start(t, Config{}, func(s *Service) { s.whole = 40 << 20 })
	src := testphotos.JPEG(testphotos.Options{Sampling: testphotos.CMYK, Width: 2000, Height: 1500})
	photo := mapped(src, "01UPLOAD000000000000000001")
	h.store(photo, src)
	h.say(photo)
	_, rejected := answer[events.PhotoRejected](h)
	if rejected.Reason.Code != string(picture.CodeTooLarge) || !strings.Contains(rejected.Reason.Message, "MB of memory, and there are 40 here") {
		t.Errorf("%+v", rejected.Reason)
	}
}

// What was begun when the end comes is finished and answered.
func TestAStopFinishesWhatWasBegun(t *testing.T) {
	gate := gated{begun: make(chan struct{}), goOn: make(chan struct{})}
	h := start(t, Config{Workers: 1}, func(s *Service) { s.engine = gate })
	src := testphotos.JPEG(testphotos.Options{})
	photo := mapped(src, "01LAST")
	h.store(photo, src)
	h.say(photo)
	<-gate.begun
	stopped := make(chan struct{})
	go func() { defer close(stopped); h.stop() }()
	close(gate.goOn)
	<-stopped
	if _, got := answer[events.PhotoProcessed](h); got.Version != photo.Version {
		t.Errorf("%+v", got)
	}
}

// gated is an engine that waits in the middle of its work.
type gated struct {
	engine.Imaging
	begun, goOn chan struct{}
}

func (g gated) Process(ctx context.Context, src []byte, in picture.Info, job engine.Job) (engine.Result, error) {
	close(g.begun)
	<-g.goOn
	return g.Imaging.Process(ctx, src, in, job)
}

func TestBadSettingsAreRefused(t *testing.T) {
	for _, cfg := range []Config{{Workers: -1}, {MemoryMiB: 8}, {MemoryMiB: -5}} {
		if _, err := New(cfg, Deps{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "FILMGATE_PROCESSING_") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// Cards are held before individuals: elsewhere nobody looks for them.
func TestCodesOfIndividuals(t *testing.T) {
	h := start(t, Config{})
	card, truth := cardset.Paint(cardset.Set(5, 1)[0])
	src := testphotos.EncodeJPEG(card, testphotos.Options{Sampling: testphotos.Gray})
	for version, section := range map[string]events.Section{"01IND": events.SectionIndividuals, "01GRP": events.SectionGroup} {
		photo := mapped(src, version)
		photo.Section = section
		h.store(photo, src)
		h.say(photo)
	}
	for range 2 {
		_, got := answer[events.PhotoProcessed](h)
		switch {
		case got.Version == "01GRP" && len(got.Codes) > 0:
			t.Errorf("a group's photo has codes: %v", got.Codes)
		case got.Version == "01IND" && (len(got.Codes) != 1 || got.Codes[0] != truth[0].Text || len(got.FoundCodes) != 1 || got.UnreadCard):
			t.Errorf("codes %v at %v, want %v; another card: %v", got.Codes, got.FoundCodes, truth, got.UnreadCard)
		}
	}
}
