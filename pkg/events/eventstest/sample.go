package eventstest

import (
	"fmt"
	"time"

	"filmgate.dev/pkg/events"
)

// The ids in samples.
const (
	Account  = "demo"
	JobID    = "01KH3V6D8N0000000000000JOB"
	AlbumID  = "01KH3V6D8N00000000000A1BVM"
	PhotoID  = "01KH3V6D8N0000000000PH0T01"
	UploadID = "01KH3V6D8N0000000000VP1D02" // the second version
)

// Sample answers an event of a type with every field filled.
func Sample(t events.Type) (events.Envelope, error) {
	for _, k := range events.Kinds() {
		if k.Type != t {
			continue
		}
		key, version := PhotoID, UploadID
		switch k.Data.(type) {
		case events.FileLanded:
			key, version = UploadID, ""
		case events.AlbumChanged:
			key, version = AlbumID, "3"
		case events.JobChanged:
			key, version = JobID, "12"
		}
		env, err := events.NewEnvelope("demo", t, Account, key, version, noon(), data(k))
		env.Sequence = "00000000000000000012"
		env.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		return env, err
	}
	return events.Envelope{}, fmt.Errorf("there is no event type %q", t)
}

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func data(k events.Kind) any {
	photo := events.PhotoRef{ID: PhotoID, Version: UploadID, PreviousVersion: PhotoID, State: "ready"}
	job := events.Job{ID: JobID, InternalName: "JOB00001", Name: "Grundschule Süd", Status: "PLANNING"}
	album := events.Album{ID: AlbumID, Name: "Class 1"}
	file := events.File{
		Name: "Zoë & Tom.jpg", Path: "JOB00001/Class 1/individuals/Zoë & Tom.jpg", Bytes: 6_291_456, MediaType: "image/jpeg",
		SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", CRC32C: "86a072c0", Integrity: "ok",
		UploadedBy: "anna", Client: "SSH-2.0-FileZilla_3.68.1", UploadedAt: noon(), ModifiedAt: new(noon().Add(-time.Hour)),
	}
	image := events.Image{
		Width: 6000, Height: 4000, Orientation: 6, DisplayWidth: 4000, DisplayHeight: 6000, ColorProfile: "sRGB", Placeholder: "1QcSHQRnh493V4dIh4eXh1h4kJUI",
		PerceptualHash: "d1f0a94e36c5827b", DominantColor: "#7a8c52",
	}
	exif := events.EXIF{
		TakenAt: new(noon().Add(-2 * time.Hour)), TakenAtOffset: "+01:00", CameraMake: "Canon", CameraModel: "EOS R6", CameraSerial: "012345678901",
		Lens: "RF24-105mm F4 L IS USM", ISO: 400, FNumber: 5.6, Exposure: "1/250", FocalLengthMM: 85, HasGPS: true,
	}
	original := events.Object{Bucket: "filmgate", Key: "o/demo/" + JobID + "/" + UploadID, Href: "/api/v1/photos/" + PhotoID + "/original"}
	derivatives := []events.Derivative{{
		Name: "640", Width: 427, Height: 640, MediaType: "image/jpeg", Bytes: 48_211,
		Object: events.Object{
			Bucket: "filmgate", Key: "d/demo/" + JobID + "/" + PhotoID + "/" + UploadID + "/640.jpg", Href: "/api/v1/photos/" + PhotoID + "/640",
		},
	}}
	warnings := []events.Warning{{Code: "low_resolution", Message: "The photo is smaller than 2048 pixels on its longer side."}}
	reason := events.Reason{Code: "not_an_image", Message: "This file is called .jpg but is no picture."}

	switch k.Data.(type) {
	case events.FileLanded:
		return events.FileLanded{Photo: photo, Job: job, Album: album, Section: events.SectionIndividuals, File: file, Original: original, Late: true}
	case events.PhotoIngested:
		return events.PhotoIngested{
			Photo: photo, Job: job, Album: album, Section: events.SectionIndividuals, File: file, Image: image, EXIF: exif,
			Codes: []string{"K7QX-2M9P"}, Subjects: []string{"01KH3V6D8N00000000000SVBJ1"}, DuplicateOf: "01KH3V6D8N0000000000PH0T00",
			Warnings: warnings, Original: original, Derivatives: derivatives, Ingest: events.Ingest{DurationMS: 1840},
		}
	case events.PhotoFailed:
		photo.State = "failed"
		return events.PhotoFailed{Photo: photo, Job: job, Album: album, Section: events.SectionIndividuals, File: file, Reason: reason}
	case events.PhotoRemoved:
		return events.PhotoRemoved{Photo: photo, Job: job, Album: album, Section: events.SectionIndividuals, File: file, By: "anna", At: noon()}
	case events.PhotoMoved:
		return events.PhotoMoved{
			Photo: photo, Job: job, Album: album, Section: events.SectionIndividuals, File: file,
			From: events.Place{Album: album, Section: events.SectionGroup, Name: "Zoë & Tom.jpg"},
		}
	case events.AlbumChanged:
		return events.AlbumChanged{Album: album, PreviousName: "Class One", Job: job, By: "anna", At: noon()}
	case events.JobChanged:
		return events.JobChanged{Job: job, PreviousStatus: "SELLING", Locked: true, Revision: 12, By: "admin@example.com", At: noon()}
	case events.PhotoMapped:
		return events.PhotoMapped{
			Account: Account, JobID: JobID, PhotoID: PhotoID, Version: UploadID, ObjectKey: original.Key, Bytes: file.Bytes,
			SHA256: file.SHA256, CRC32C: file.CRC32C, Name: file.Name, Section: events.SectionIndividuals, Attempt: 1, LandedAt: noon(),
		}
	case events.PhotoProcessed:
		return events.PhotoProcessed{
			Account: Account, JobID: JobID, PhotoID: PhotoID, Version: UploadID, Attempt: 1, MediaType: "image/jpeg",
			Image: image, EXIF: exif, Codes: []string{"K7QX-2M9P"}, Warnings: warnings, Derivatives: derivatives, Integrity: "ok",
			FoundCodes: []events.FoundCode{{Text: "K7QX-2M9P", Corners: []events.Point{{X: 0.25, Y: 0.5}, {X: 0.375, Y: 0.5}, {X: 0.375, Y: 0.625}, {X: 0.25, Y: 0.625}}}},
		}
	case events.PhotoRejected:
		return events.PhotoRejected{Account: Account, JobID: JobID, PhotoID: PhotoID, Version: UploadID, Attempt: 1, Reason: reason}
	}
	return nil
}
