package objects_test

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
)

const key = "o/acme/J1/U1"

func begin(t *testing.T, b *objects.Bucket) *objects.Multipart {
	t.Helper()
	m, err := b.NewMultipart(t.Context(), key, objects.PutOptions{ContentType: "image/jpeg", Metadata: map[string]string{"upload": "U1"}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// cut answers part n, counted from 1, of a body.
func cut(body []byte, n int) []byte {
	return body[(n-1)*objects.MinPart : min(n*objects.MinPart, len(body))]
}

func putPart(t *testing.T, m *objects.Multipart, n int, body []byte) {
	t.Helper()
	if err := m.PutPart(t.Context(), n, body, objects.CRC32C(body)); err != nil {
		t.Error(err)
	}
}

func wantBody(t *testing.T, b *objects.Bucket, key string, want []byte) {
	t.Helper()
	r, info, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
	}
	if !info.HasCRC32C || info.CRC32C != objects.CRC32C(want) {
		t.Errorf("got checksum %08x (%v), want %08x", info.CRC32C, info.HasCRC32C, objects.CRC32C(want))
	}
}

func TestMultipart(t *testing.T) {
	b, body := open(t), noise(2*objects.MinPart+77)
	m := begin(t, b)
	var all sync.WaitGroup
	for n := 3; n >= 1; n-- {
		all.Go(func() { putPart(t, m, n, cut(body, n)) })
	}
	all.Wait()
	for range 2 { // the second time as if the first answer had been lost
		if err := m.Complete(t.Context(), objects.CRC32C(body)); err != nil {
			t.Fatal(err)
		}
	}
	wantBody(t, b, key, body)
	if info := stat(t, b, key); info.ContentType != "image/jpeg" || info.Metadata["upload"] != "U1" {
		t.Errorf("got %+v", info)
	}
}

func TestMultipartGoesOnInAnotherProcess(t *testing.T) {
	at, body := s3test.New(t), noise(2*objects.MinPart+77)
	first, second := openAt(t, at), openAt(t, at)
	begun := begin(t, first)
	putPart(t, begun, 1, cut(body, 1))

	m := second.ResumeMultipart(key, begun.ID())
	parts, err := m.Parts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 1 || parts[0].Number != 1 || parts[0].Size != objects.MinPart || !parts[0].HasCRC32C || parts[0].CRC32C != objects.CRC32C(cut(body, 1)) {
		t.Errorf("got %+v", parts)
	}
	putPart(t, m, 2, noise(100)) // what a dying process sent
	putPart(t, m, 2, cut(body, 2))
	putPart(t, m, 3, cut(body, 3))
	if err := m.Complete(t.Context(), objects.CRC32C(body)); err != nil {
		t.Fatal(err)
	}
	wantBody(t, second, key, body)
}

func TestCopyPart(t *testing.T) {
	b, old, tail := open(t), noise(objects.MinPart+500), []byte("the rest")
	if err := b.Put(t.Context(), "o/acme/J1/OLD", old, objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	m := begin(t, b)
	if err := m.CopyPart(t.Context(), 1, "o/acme/J1/OLD", 100, objects.MinPart); err != nil {
		t.Fatal(err)
	}
	putPart(t, m, 2, tail)
	want := append(bytes.Clone(old[100:100+objects.MinPart]), tail...)
	if err := m.Complete(t.Context(), objects.CRC32C(want)); err != nil {
		t.Fatal(err)
	}
	wantBody(t, b, key, want)
	wantBody(t, b, "o/acme/J1/OLD", old)
}

func TestADamagedPartIsRefused(t *testing.T) {
	m := begin(t, open(t))
	wantFault(t, m.PutPart(t.Context(), 1, []byte("damaged"), objects.CRC32C([]byte("sent"))), fault.Unavailable, "damaged on its way")
}

func TestAnIncompleteMultipartMakesNoObject(t *testing.T) {
	for name, tt := range map[string]struct {
		parts []int
		words string
	}{
		"the last part is missing":   {[]int{1}, "differs from the one sent"},
		"the first part is missing":  {[]int{2}, "part 1 of the photo is missing"},
		"one in between is missing":  {[]int{1, 3}, "part 2 of the photo is missing"},
		"there is one more than was": {[]int{1, 2, 3}, "differs from the one sent"},
	} {
		t.Run(name, func(t *testing.T) {
			b, body := open(t), noise(2*objects.MinPart)
			m := begin(t, b)
			for _, n := range tt.parts {
				putPart(t, m, n, cut(noise(3*objects.MinPart), n))
			}
			wantFault(t, m.Complete(t.Context(), objects.CRC32C(body)), fault.Unavailable, tt.words)
			if _, err := b.Stat(t.Context(), key); !fault.Is(err, fault.NotFound) {
				t.Errorf("there is an object: %v", err)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	b := open(t)
	m := begin(t, b)
	putPart(t, m, 1, noise(10))
	for range 2 {
		if err := m.Abort(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := m.Parts(t.Context())
	wantFault(t, err, fault.NotFound, "no longer knows")
	wantFault(t, m.Complete(t.Context(), 0), fault.NotFound, "no longer knows")
	wantFault(t, m.PutPart(t.Context(), 1, noise(10), objects.CRC32C(noise(10))), fault.NotFound, "no longer knows")
}
