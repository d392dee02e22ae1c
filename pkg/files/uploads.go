package files

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// UploadsStream is the stream behind the records of uploads.
const UploadsStream = "KV_" + uploadsName

const (
	uploadsName       = "UPLOADS"
	uploadsStreamName = UploadsStream
	uploadsPrefix     = "$KV." + uploadsName + "."
	operationHeader   = "KV-Operation"
)

// UploadState is where an upload is in its life.
type UploadState string

// The states of an upload that has a record.
const (
	UploadOpen       UploadState = "open"       // an edge is receiving it
	UploadPartial    UploadState = "partial"    // broken off; it can be resumed
	UploadCompleting UploadState = "completing" // closed by the client, not yet landed
)

// Record is one upload in flight or broken off that has something in the bucket to go on from, or to clean up.
type Record struct {
	Job     Job         `json:"job"`
	JobName string      `json:"jobName"`
	Folder  string      `json:"folder"` // folder id
	Name    string      `json:"name"`
	Upload  string      `json:"upload"` // upload id
	State   UploadState `json:"state"`

	ObjectKey   string `json:"objectKey"`
	MultipartID string `json:"multipartId,omitempty"`
	// Bytes are durable in the bucket, from the first one on: what a resume goes on from.
	Bytes int64 `json:"bytes,omitempty"`
	// Parts are the stored parts that Bytes begins with, each of PartBytes; Sum is the digest of exactly these.
	Parts     int    `json:"parts,omitempty"`
	PartBytes int64  `json:"partBytes,omitempty"`
	Sum       []byte `json:"sum,omitempty"`
	// Tail is what follows them in objects of their own, in order.
	Tail []Piece `json:"tail,omitempty"`
	// Entry is what is to appear in the log, once the upload is completing; Exclusive that it may not replace a file.
	Entry     *Entry `json:"entry,omitempty"`
	Exclusive bool   `json:"exclusive,omitempty"`

	UserID  string    `json:"userId,omitempty"`
	User    string    `json:"user,omitempty"`
	Client  string    `json:"client,omitempty"`
	Address string    `json:"address,omitempty"` // the client's, without its port
	Holder  string    `json:"holder,omitempty"`  // names the open file that holds it
	Started time.Time `json:"started"`
	// ModifiedAt is the client's mtime, if it has set one.
	ModifiedAt time.Time `json:"modifiedAt,omitzero"`
	// Lease is until when the edge holds the upload: nobody else may touch it.
	Lease time.Time `json:"lease,omitzero"`
	// Expires is when a sweep may give the upload up; zero is never.
	Expires time.Time `json:"expires,omitzero"`

	// TraceParent is the W3C trace context of who began it.
	TraceParent string `json:"traceparent,omitempty"`

	// Revision is the record's place in the bucket: the compare-and-set token. Never stored.
	Revision uint64 `json:"-"`
}

// Piece is some bytes of a tail, in an object of their own.
type Piece struct {
	Number int    `json:"number"` // part of the object's key
	Bytes  int64  `json:"bytes"`
	CRC32C uint32 `json:"crc32c"`
}

// Held reports whether an edge works on the upload.
func (r Record) Held(now time.Time) bool { return now.Before(r.Lease) }

// Uploads are the records of uploads in flight and broken off, in the key-value bucket UPLOADS. Like the log it is read
// at the leader only: the client library's own key-value reads may be answered by a replica that is behind.
type Uploads struct{ stream stream }

// Put stores a record under compare-and-set: revision 0 creates it, another one replaces exactly that revision. It
// answers the record with its new revision, and Conflict when somebody else was there first.
func (u *Uploads) Put(ctx context.Context, r Record) (Record, error) {
	subject, err := r.subject()
	if err != nil {
		return Record{}, err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return Record{}, err
	}
	if len(data) > maxEntryBytes {
		return Record{}, fault.New(fault.Invalid, "the upload's record is too large: %d bytes", len(data))
	}
	expect := r.Revision
	if expect == 0 { // over the marker of a deleted record, if there is one
		m, err := u.stream.last(ctx, subject)
		switch {
		case err == nil && m.Header.Get(operationHeader) != "":
			expect = m.Sequence
		case err != nil && !fault.Is(err, fault.NotFound):
			return Record{}, err
		}
	}
	r.Revision, err = u.stream.commit(ctx, write{Subject: subject, Data: data, Expect: expect})
	return r, u.conflict(err)
}

// Get reads a record; only what makes its key need be given. NotFound when there is none.
func (u *Uploads) Get(ctx context.Context, key Record) (Record, error) {
	subject, err := key.subject()
	if err != nil {
		return Record{}, err
	}
	m, err := u.stream.last(ctx, subject)
	if err != nil {
		return Record{}, err
	}
	if m.Header.Get(operationHeader) != "" {
		return Record{}, fault.New(fault.NotFound, "not found")
	}
	return decodeRecord(m)
}

// Delete deletes a record of exactly that revision. One that is gone already is no error.
func (u *Uploads) Delete(ctx context.Context, r Record) error {
	subject, err := r.subject()
	if err != nil {
		return err
	}
	header := nats.Header{
		operationHeader:        {"PURGE"},
		jetstream.MsgRollup:    {jetstream.MsgRollupSubject},
		jetstream.MsgTTLHeader: {markerTTL.String()},
	}
	_, err = u.stream.commit(ctx, write{Subject: subject, Header: header, Expect: r.Revision})
	if !errors.Is(err, errStale) {
		return err
	}
	if _, now := u.Get(ctx, r); fault.Is(now, fault.NotFound) {
		return nil
	}
	return u.conflict(err)
}

// At reads the records of uploads to one name, in no order. Usually there is none, which costs one read at the leader.
func (u *Uploads) At(ctx context.Context, job Job, folder, name string) ([]Record, error) {
	clean, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(job.check(), checkToken("folder id", folder)); err != nil {
		return nil, err
	}
	filter := uploadsPrefix + job.Account + "." + job.ID + "." + folder + "." + NameHash(clean) + ".*"
	if _, err := u.stream.last(ctx, filter); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return nil, err
	}
	return u.list(ctx, filter)
}

// List reads the records of a folder, or of a whole job when no folder is given.
func (u *Uploads) List(ctx context.Context, job Job, folder string) ([]Record, error) {
	if err := job.check(); err != nil {
		return nil, err
	}
	filter := uploadsPrefix + job.Account + "." + job.ID + ".>"
	if folder != "" {
		if err := checkToken("folder id", folder); err != nil {
			return nil, err
		}
		filter = uploadsPrefix + job.Account + "." + job.ID + "." + folder + ".>"
	}
	return u.list(ctx, filter)
}

// All reads every record there is, for the sweep.
func (u *Uploads) All(ctx context.Context) ([]Record, error) { return u.list(ctx, uploadsPrefix+">") }

func (u *Uploads) list(ctx context.Context, filter string) ([]Record, error) {
	messages, err := u.stream.list(ctx, filter)
	if err != nil {
		return nil, err
	}
	records := make([]Record, 0, len(messages))
	for _, m := range messages {
		if m.Header.Get(operationHeader) != "" {
			continue
		}
		r, err := decodeRecord(m)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

func decodeRecord(m message) (Record, error) {
	var r Record
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return Record{}, fault.Wrap(err, fault.Internal, "the record at %s makes no sense", m.Subject)
	}
	r.Revision = m.Sequence
	return r, nil
}

func (r Record) subject() (string, error) {
	name, err := ParseName(r.Name)
	if err != nil {
		return "", err
	}
	if err := r.Job.check(); err != nil {
		return "", err
	}
	if err := checkToken("folder id", r.Folder); err != nil {
		return "", err
	}
	if err := checkToken("upload id", r.Upload); err != nil {
		return "", err
	}
	return uploadsPrefix + r.Job.Account + "." + r.Job.ID + "." + r.Folder + "." + NameHash(name) + "." + r.Upload, nil
}

func (u *Uploads) conflict(err error) error {
	if errors.Is(err, errStale) {
		return fault.New(fault.Conflict, "the upload's record was changed by somebody else")
	}
	return err
}
