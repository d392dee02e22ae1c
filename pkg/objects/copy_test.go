package objects_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
)

func TestCopy(t *testing.T) {
	from, to := open(t), open(t)
	ctx, bodies := t.Context(), map[string][]byte{}
	put := func(key string, size int) {
		bodies[key] = noise(size)
		err := from.Put(ctx, key, bodies[key], objects.PutOptions{ContentType: "image/jpeg", Metadata: map[string]string{"job": key[2:3]}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		put(fmt.Sprintf("o/a/b/%d", i), 1000*i)
	}
	put("o/a/b/large", 40<<20)
	put("d/a/b/c/thumb.jpg", 5000)
	put("t/upload/0", 5000) // of an upload that is not finished
	for round, want := range []int64{32, 0} {
		var done objects.Copied
		if err := objects.Copy(ctx, from, to, &done); err != nil || done.Objects.Load() != want || done.Skipped.Load() != 32-want {
			t.Fatalf("round %d: %d copied, %d skipped, %v", round, done.Objects.Load(), done.Skipped.Load(), err)
		}
	}
	for key, body := range bodies {
		r, info, err := to.Get(ctx, key)
		if key == "t/upload/0" {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("a piece of an upload was copied: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, body) || info.ContentType != "image/jpeg" || info.Metadata["job"] != key[2:3] {
			t.Errorf("%s: %d bytes of %d, %+v, %v", key, len(got), len(body), info, err)
		}
	}
	// Half an object that an earlier version of it left is made whole.
	if err := to.Put(ctx, "o/a/b/7", bodies["o/a/b/7"][:100], objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	var done objects.Copied
	if err := objects.Copy(ctx, from, to, &done); err != nil || done.Objects.Load() != 1 || done.Bytes.Load() != 7000 {
		t.Fatalf("%d copied, %v", done.Objects.Load(), err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := objects.Copy(ended, from, to, &done); err == nil {
		t.Error("an empty list counts as copied")
	}
}
