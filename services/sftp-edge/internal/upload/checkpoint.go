package upload

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/json"
	"io"
	"slices"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// Checkpoint is how far an upload is: everything that another edge needs to go on from there.
type Checkpoint struct {
	Begun bool          // Begin was called
	Parts int           // stored parts, each of Config.Part bytes
	Sum   []byte        // the digest of these parts; nil for none
	Tail  []files.Piece // what was stored by Spill and follows them
	Next  int           // number of the next piece: those before it that are not in Tail have become part of a part
}

// Bytes answers how many bytes the checkpoint holds, with parts of so many bytes.
func (c Checkpoint) Bytes(part int64) int64 {
	n := int64(c.Parts) * part
	for _, piece := range c.Tail {
		n += piece.Bytes
	}
	return n
}

// Choice is what the client of an upload may go on from, instead of beginning anew: it sends its first bytes at Size then,
// and at 0 otherwise.
type Choice struct {
	Size int64
	// Object is where the upload goes that was broken off, and From how far it is there: at Size or behind it. What the
	// client sends twice is taken once.
	Object Object
	From   Checkpoint
	// Prefix reads the Size bytes of a file that was there whole, and PrefixCRC32C is their checksum. With it Object is nil.
	Prefix       func(context.Context) (io.ReadCloser, error)
	PrefixCRC32C uint32
}

// state is a digest on its way through JSON.
type state struct {
	SHA   []byte `json:"sha"`
	CRC   uint32 `json:"crc"`
	Bytes int64  `json:"bytes"`
	Head  []byte `json:"head"`
	Tail  []byte `json:"tail"`
}

// save answers the digest in a form that restore takes.
func (d *digest) save() ([]byte, error) {
	sha, err := d.sha.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	return json.Marshal(state{SHA: sha, CRC: d.crc, Bytes: d.bytes, Head: d.head, Tail: d.tail})
}

// restore answers the digest that was saved after so many bytes.
func restore(sum []byte, bytes int64) (digest, error) {
	if bytes == 0 {
		return newDigest(), nil
	}
	var s state
	d := digest{sha: sha256.New()}
	err := json.Unmarshal(sum, &s)
	if err == nil {
		err = d.sha.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.SHA)
	}
	if err != nil || s.Bytes != bytes || len(s.Head) > headBytes || len(s.Tail) > tailBytes {
		return digest{}, rotten()
	}
	d.crc, d.bytes, d.head, d.tail = s.CRC, s.Bytes, s.Head, s.Tail
	return d, nil
}

// mark is the digest up to the end of a part, until that part and all before it are stored.
type mark struct {
	part   int
	sum    []byte
	stored bool
}

// advance notes that a part is stored, and has the object remember how far the upload is now.
func (u *Upload) advance(part int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.marks {
		if u.marks[i].part == part {
			u.marks[i].stored = true
		}
	}
	for len(u.marks) > 0 && u.marks[0].stored {
		u.durable = Checkpoint{Parts: u.marks[0].part, Sum: u.marks[0].sum, Next: u.pieces}
		u.marks = u.marks[1:]
	}
	for !u.saving && u.failed == nil && !u.closing && u.saved.Parts < u.durable.Parts {
		if u.save(false) != nil {
			return // the record is a little behind then
		}
	}
}

// save has the object remember how far the upload is, if that is farther than before. It unlocks meanwhile.
func (u *Upload) save(brokenOff bool) error {
	for u.saving {
		u.await(nil)
	}
	now := u.checkpoint()
	if !brokenOff && now.Bytes(u.cfg.Part) < u.savedBytes() {
		return nil
	}
	u.saving = true
	defer u.notify()
	defer func() { u.saving = false }()
	u.mu.Unlock()
	err := u.object.Save(u.ctx, now, brokenOff)
	u.mu.Lock()
	switch {
	case fault.Is(err, fault.Conflict):
		u.fail(ErrTaken)
		return ErrTaken
	case err == nil:
		u.saved = now
	}
	return err
}

// checkpoint answers how far the upload is in the bucket.
func (u *Upload) checkpoint() Checkpoint {
	now, tail := u.durable, slices.Clone(u.tail)
	now.Begun, now.Next = u.begun, u.pieces
	if u.spilling { // the last one is on its way
		now.Next--
		tail = tail[:len(tail)-1]
	}
	switch {
	case int64(now.Parts)*u.cfg.Part == u.window.start:
		now.Tail = tail
	case len(tail) > 0: // of a later part
		now.Next = tail[0].Number
	}
	return now
}
