package files

import (
	"encoding/json"
	"regexp"

	"filmgate.dev/pkg/fault"
)

// maxEntryBytes is the stream's limit for a message; a real entry has about 800.
const maxEntryBytes = 64 << 10

var (
	sha256Hex = regexp.MustCompile(`^([0-9a-f]{64})?$`)
	crc32cHex = regexp.MustCompile(`^([0-9a-f]{8})?$`)
)

// Decode reads a message of the log and checks it against the subject that it stands at. Whatever is wrong with it is
// Invalid: it can never be right.
func Decode(subject string, data []byte, seq uint64) (Entry, error) {
	place, err := ParseSubject(subject)
	if err != nil {
		return Entry{}, err
	}
	if len(data) > maxEntryBytes {
		return Entry{}, fault.New(fault.Invalid, "the entry is too large: %d bytes", len(data))
	}
	var e Entry
	if err := json.Unmarshal(data, &e); err != nil {
		return Entry{}, fault.Wrap(err, fault.Invalid, "the entry is not JSON")
	}
	if err := e.check(place); err != nil {
		return Entry{}, err
	}
	e.Subject, e.Sequence = subject, seq
	return e, nil
}

func encode(e Entry) (subject string, data []byte, err error) {
	place, err := e.Place()
	if err != nil {
		return "", nil, err
	}
	if err := e.check(place); err != nil {
		return "", nil, err
	}
	data, err = json.Marshal(e)
	if err != nil {
		return "", nil, fault.Wrap(err, fault.Invalid, "the entry cannot be written")
	}
	if len(data) > maxEntryBytes {
		return "", nil, fault.New(fault.Invalid, "the entry is too large: %d bytes", len(data))
	}
	return place.Subject(), data, nil
}

func (e Entry) check(at Place) error {
	invalid := func(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }
	switch e.State {
	case StateLanded, StateGone:
	case StateStaged:
		if e.Folder() {
			return invalid("a folder cannot be staged")
		}
	case StateRemoving:
		if !e.Folder() {
			return invalid("a file cannot be marked as being removed")
		}
	default:
		return invalid("an entry cannot be in state %.40q", e.State)
	}
	switch e.Kind {
	case KindAlbum:
		if e.Parent != Root {
			return invalid("an album stands only at the top of a job")
		}
	case KindSection:
		if e.Parent == Root || (e.Section != SectionGroup && e.Section != SectionIndividuals) {
			return invalid("an album holds only the folders %q and %q", SectionGroup, SectionIndividuals)
		}
	case KindFile:
		if e.Parent == Root {
			return invalid("a file cannot stand at the top of a job")
		}
		if err := checkToken("upload id", e.Upload); err != nil {
			return err
		}
		if e.Bytes < 0 || !sha256Hex.MatchString(e.SHA256) || !crc32cHex.MatchString(e.CRC32C) {
			return invalid("the file's size or checksum makes no sense")
		}
	default:
		return invalid("an entry cannot be a %.40q", e.Kind)
	}
	if err := checkToken("id", e.ID); err != nil {
		return err
	}
	if e.Revision < 1 {
		return invalid("an entry's revisions count from 1")
	}
	if e.MovedTo != "" && !e.Gone() {
		return invalid("an entry that moved away must be a tombstone")
	}
	own, err := e.Place()
	if err != nil {
		return err
	}
	if own != at {
		return invalid("the entry belongs to another subject")
	}
	return nil
}
