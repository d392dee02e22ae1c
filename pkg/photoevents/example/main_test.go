package main

import (
	"bufio"
	"context"
	"io"
	"testing"

	"filmgate.dev/pkg/photoevents"
	"filmgate.dev/pkg/photoevents/photoeventstest"
)

func TestALinePerPhoto(t *testing.T) {
	s := photoeventstest.Start(t)
	for _, kind := range []photoevents.Type{photoevents.TypeAlbumCreated, photoevents.TypePhotoIngested} {
		s.Publish(t, photoeventstest.Sample(t, kind))
	}
	out, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"--url", s.URL(), "--durable", "shop"}, stdout, io.Discard) }()

	line, err := bufio.NewReader(out).ReadString('\n')
	const want = "photo.ingested 01KH3V6D8N0000000000PH0T01 01KH3V6D8N0000000000VP1D02 \"JOB00001/Class 1/individuals/Zoë & Tom.jpg\" individuals 4000x6000\n"
	if err != nil || line != want {
		t.Errorf("got  %q, %v\nwant %q", line, err, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
