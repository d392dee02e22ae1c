package photoevents_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/photoevents"
)

// A shop that offers each photo as soon as it is ready, and withdraws it when it is removed.
func Example() {
	nc, err := nats.Connect("nats://my-shop:password@events.example.com:4222", nats.MaxReconnects(-1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()

	err = photoevents.Consumer{
		Durable:     "my-shop",
		Concurrency: 8,
		OnPhotoIngested: func(ctx context.Context, event photoevents.Event, p photoevents.PhotoIngested) error {
			return offer(ctx, p.Photo.ID, p.Photo.Version) // returns nil only when it is stored
		},
		OnPhotoRemoved: func(ctx context.Context, event photoevents.Event, p photoevents.PhotoRemoved) error {
			return withdraw(ctx, p.Photo.ID)
		},
	}.Run(context.Background(), nc)
	fmt.Println(err)
}

func ExamplePermanent() {
	validate := func(photo photoevents.PhotoIngested) error {
		if photo.Image.DisplayWidth == 0 {
			return photoevents.Permanent(errors.New("a photo without width"))
		}
		return nil
	}
	fmt.Println(validate(photoevents.PhotoIngested{}))
	// Output: a photo without width
}

func ExampleRetryAfter() {
	fmt.Println(photoevents.RetryAfter(errors.New("the printer is busy"), 5*time.Minute))
	// Output: the printer is busy
}

func offer(context.Context, string, string) error { return nil }
func withdraw(context.Context, string) error      { return nil }
