package events

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

const (
	photoID  = "01J00000000000000000000001"
	uploadID = "01J00000000000000000000002"
	jobID    = "01J0000000000000000000000J"
)

func landed() FileLanded {
	return FileLanded{
		Photo: PhotoRef{ID: photoID, Version: uploadID, State: "processing"},
		Job:   Job{ID: jobID, InternalName: "JOB00001", Name: "Grundschule <Süd> & Co", Status: "PLANNING"},
		File:  File{Name: "x.jpg", Path: "JOB00001/Class 1/x.jpg", Bytes: 5, UploadedAt: noon()},
	}
}

func landedEvent(t *testing.T, upload string) Envelope {
	t.Helper()
	env, err := NewEnvelope("test", TypeFileLanded, "demo", upload, "", noon(), landed())
	if err != nil {
		t.Fatal(err)
	}
	return env
}
