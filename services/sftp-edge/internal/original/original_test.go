package original

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// body is bytes on their way.
type body struct{ *bytes.Reader }

func (b body) Len() int64 { return b.Size() }

func spill(t *testing.T, o *Original, number int, text string) files.Piece {
	t.Helper()
	piece := files.Piece{Number: number, Bytes: int64(len(text)), CRC32C: crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))}
	if err := o.Spill(t.Context(), piece, body{bytes.NewReader([]byte(text))}); err != nil {
		t.Fatal(err)
	}
	return piece
}

func tail(t *testing.T, o *Original, piece files.Piece) string {
	t.Helper()
	stored, err := o.Tail(t.Context(), piece)
	if err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	text, err := io.ReadAll(stored)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func pieces(t *testing.T, s Store) int {
	t.Helper()
	n := 0
	for _, err := range s.Bucket.List(t.Context(), "t/") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func fresh(t *testing.T, s Store, id string) *Original {
	t.Helper()
	o, err := s.New(files.Record{Job: files.Job{Account: "demo", ID: "J1"}, Folder: "F1", Name: "a.jpg", Upload: id}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Somebody goes on with an upload whose edge does not know yet that it has lost it: neither writes over what the other has
// stored, and what nobody will ever name does not stay.
func TestTwoHoldersOfOneUpload(t *testing.T) {
	_, log, s := stores(t)
	first := fresh(t, s, "01U")
	kept := spill(t, first, 0, "from the first")
	if err := first.Save(t.Context(), upload.Checkpoint{Tail: []files.Piece{kept}, Next: 1}, false); err != nil {
		t.Fatal(err)
	}
	records, err := log.Uploads().All(t.Context())
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	second, err := s.Resume(t.Context(), records[0], records[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	more := spill(t, second, Checkpoint(records[0]).Next, "from the second")
	if err := second.Save(t.Context(), upload.Checkpoint{Tail: []files.Piece{kept, more}, Next: more.Number + 1}, true); err != nil {
		t.Fatal(err)
	}
	late := spill(t, first, 1, "too late")
	if err := first.Save(t.Context(), upload.Checkpoint{Tail: []files.Piece{kept, late}, Next: 2}, true); !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
	if err := first.Abort(t.Context()); err != nil { // whatever it does then
		t.Fatal(err)
	}
	if tail(t, second, kept) != "from the first" || tail(t, second, more) != "from the second" || pieces(t, s) != 2 {
		t.Errorf("%d pieces are there", pieces(t, s))
	}
	if records, err = log.Uploads().All(t.Context()); err != nil || len(records) != 1 || records[0].Bytes != kept.Bytes+more.Bytes {
		t.Error(records, err)
	}
}

// The answer to the last change was lost, and the upload is given up: no record promises what is deleted.
func TestAbortAfterALostAnswer(t *testing.T) {
	_, log, s := stores(t)
	o := fresh(t, s, "01U")
	piece := spill(t, o, 0, "some bytes")
	before := o.record.Revision
	if err := o.Save(t.Context(), upload.Checkpoint{Tail: []files.Piece{piece}, Next: 1}, true); err != nil {
		t.Fatal(err)
	}
	o.record.Revision = before
	if err := o.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if records, err := log.Uploads().All(t.Context()); err != nil || len(records) != 0 || pieces(t, s) != 0 {
		t.Errorf("%+v %v, %d pieces", records, err, pieces(t, s))
	}
}

// An upload is removed by somebody else while its edge is still storing a part: that one does not bring it back. But what
// somebody goes on with, or finishes, is left alone.
func TestAPartArrivesLate(t *testing.T) {
	for name, c := range map[string]struct {
		now  func(*files.Record)
		left bool
	}{
		"being removed": {worthless, false},
		"gone on with":  {func(r *files.Record) { r.State = files.UploadPartial }, true},
		"finished": {func(r *files.Record) {
			r.State, r.Bytes, r.Entry = files.UploadCompleting, 0, &files.Entry{Name: "a.jpg"}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, log, s := stores(t)
			o := fresh(t, s, "01U")
			if err := o.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			part := bytes.Repeat([]byte{1}, 1000)
			sum := crc32.Checksum(part, crc32.MakeTable(crc32.Castagnoli))
			if err := o.Part(t.Context(), 1, body{bytes.NewReader(part)}, sum); err != nil {
				t.Fatal(err)
			}
			if err := o.change(t.Context(), func(r *files.Record) { r.Parts, r.Bytes = 1, 1000 }); err != nil {
				t.Fatal(err)
			}
			records, err := log.Uploads().All(t.Context())
			if err != nil || len(records) != 1 {
				t.Fatal(records, err)
			}
			c.now(&records[0])
			if _, err := s.take(t.Context(), records[0]); err != nil {
				t.Fatal(err)
			}
			if err := o.Abort(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := o.parts.Parts(t.Context()); c.left != (err == nil) {
				t.Errorf("its parts: %v", err)
			}
		})
	}
}

// A write that its upload's failure meets on the way ends by itself, so that what it leaves can be tidied up; but not for ever.
func TestAWriteGoesToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for took, want := range map[time.Duration]error{lastWait - time.Second: nil, lastWait + time.Second: context.Canceled} {
			ctx, cancel := context.WithCancel(t.Context())
			err := Store{}.through(ctx, func(ctx context.Context) error {
				cancel()
				select {
				case <-time.After(took):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			if !errors.Is(err, want) {
				t.Errorf("after %s: %v", took, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := (Store{}).through(ctx, func(context.Context) error { t.Error("it was begun"); return nil }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
