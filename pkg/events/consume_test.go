package events

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

// patience is how long a test waits for what must happen; it fails only when something is broken.
const patience = 30 * time.Second

const landedSubject = "filmgate.photos.v1.demo.J1.file_landed"

func bus(t *testing.T) (jetstream.JetStream, *nats.Conn) {
	t.Helper()
	_, nc := natstest.Start(t)
	js := provisioned(t, nc)
	return js, nc
}

func provisioned(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	return js
}

func settings() ConsumerConfig {
	return ConsumerConfig{
		Stream: StreamPhotos, Durable: "test", FilterSubjects: []string{AllPhotos}, AckWait: 30 * time.Second,
		MaxAckPending: 64, Concurrency: 4, Attempts: 3, MaxDeliver: 6, Log: slog.New(slog.DiscardHandler),
	}
}

func say1(t *testing.T, js jetstream.JetStream, upload string) {
	t.Helper()
	if err := Publish(t.Context(), js, landedSubject, landedEvent(t, upload)); err != nil {
		t.Fatal(err)
	}
}

// start consumes until stop is called; stop waits for the end.
func start(t *testing.T, c *consumer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.consume(ctx) }()
	var stopped bool
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Consume: %v", err)
			}
		case <-time.After(patience):
			t.Error("Consume does not stop")
		}
	}
	t.Cleanup(stop)
	return stop
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func info(t *testing.T, js jetstream.JetStream) *jetstream.ConsumerInfo {
	t.Helper()
	c, err := js.Consumer(t.Context(), StreamPhotos, "test")
	if err != nil {
		return &jetstream.ConsumerInfo{}
	}
	return c.CachedInfo()
}

// settled reports whether the consumer has acknowledged n messages and owes nothing.
func settled(t *testing.T, js jetstream.JetStream, n uint64) bool {
	i := info(t, js)
	return i.AckFloor.Stream == n && i.NumAckPending == 0 && i.NumPending == 0
}

// letters are the dead letters that services wrote, without the server's advisories.
func letters(t *testing.T, js jetstream.JetStream) (list []*jetstream.RawStreamMsg) {
	t.Helper()
	stream, err := js.Stream(t.Context(), StreamDLQ)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		msg, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if msg.Subject == "filmgate.dlq.v1.PHOTOS.test" {
			list = append(list, msg)
		}
	}
	return list
}

func TestMessagesAreHandledOnceAndAcknowledged(t *testing.T) {
	js, _ := bus(t)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := telemetry.WithTraceParent(t.Context(), trace)
	for range 2 { // the same fact twice is one message
		if err := Publish(ctx, js, landedSubject, landedEvent(t, uploadID)); err != nil {
			t.Fatal(err)
		}
	}
	type heard struct {
		Envelope
		trace string
		data  FileLanded
	}
	got := make(chan heard, 10)
	start(t, newConsumer(js, settings(), ByType{
		TypeFileLanded: Handle(func(ctx context.Context, env Envelope, data FileLanded) error {
			got <- heard{env, telemetry.TraceParent(ctx), data}
			return nil
		}),
	}.Handle))
	h := receive(t, got)
	if h.ID != "file.landed:"+uploadID || h.data.Photo.ID != photoID || h.TraceParent != trace || h.trace != trace {
		t.Errorf("heard %+v", h)
	}
	eventually(t, "acknowledged", func() bool { return settled(t, js, 1) })
	if len(got) != 0 {
		t.Error("heard twice")
	}
}

func TestAFailureIsTriedAgain(t *testing.T) {
	js, _ := bus(t)
	say1(t, js, uploadID)
	deliveries := make(chan int, 10)
	start(t, newConsumer(js, settings(), func(_ context.Context, m Message) error {
		deliveries <- m.Delivered
		if m.Delivered == 1 {
			return fault.New(fault.NotFound, "its folder is not known yet")
		}
		return nil
	}))
	if first, second := receive(t, deliveries), receive(t, deliveries); first != 1 || second != 2 {
		t.Errorf("deliveries %d, %d", first, second)
	}
	eventually(t, "acknowledged", func() bool { return settled(t, js, 1) })
	if dead := letters(t, js); len(dead) != 0 {
		t.Errorf("%d dead letters", len(dead))
	}
}

func TestAPoisonedMessageStopsNobody(t *testing.T) {
	js, _ := bus(t)
	for _, id := range []string{"panics", "invalid", "good"} {
		say1(t, js, id)
	}
	if _, err := js.Publish(t.Context(), landedSubject, []byte("not an event")); err != nil {
		t.Fatal(err)
	}
	cfg := settings()
	cfg.Attempts = 1
	var good atomic.Int32
	start(t, newConsumer(js, cfg, Handle(func(_ context.Context, env Envelope, _ FileLanded) error {
		switch env.ID {
		case "file.landed:panics":
			panic("boom")
		case "file.landed:invalid":
			return fault.Wrap(errors.New("line\r\nbreak"), fault.Invalid, "no photo")
		}
		good.Add(1)
		return nil
	})))
	eventually(t, "all settled", func() bool { return settled(t, js, 4) })
	reasons := map[string]string{}
	for _, letter := range letters(t, js) {
		h := letter.Header
		if h.Get(HeaderDeadSubject) != landedSubject || h.Get(HeaderDeadStream) != "PHOTOS" || h.Get(HeaderDeadDeliveries) != "1" {
			t.Errorf("dead letter %v", h)
		}
		reasons[h.Get(HeaderDeadMsgID)] = h.Get(HeaderDeadKind)
		if h.Get(HeaderDeadMsgID) == "file.landed:invalid" {
			if env, err := Decode(letter.Data); err != nil || env.ID != "file.landed:invalid" || h.Get(HeaderDeadReason) != "no photo: line  break" {
				t.Errorf("dead letter %v: %s", h, letter.Data)
			}
		}
	}
	if good.Load() != 1 || len(reasons) != 3 || reasons["file.landed:panics"] != "internal" || reasons["file.landed:invalid"] != "invalid" || reasons[""] != "invalid" {
		t.Errorf("good %d, dead %v", good.Load(), reasons)
	}
}

func TestAnOutageBuriesNobody(t *testing.T) {
	js, _ := bus(t)
	say1(t, js, uploadID)
	cfg := settings()
	cfg.Attempts = 1
	var calls atomic.Int32
	handle := func(context.Context, Message) error {
		if calls.Add(1) < 5 {
			return fault.New(fault.Unavailable, "the database is away")
		}
		return nil
	}
	c := newConsumer(js, cfg, handle)
	c.holdFor = time.Millisecond
	start(t, c)
	eventually(t, "acknowledged", func() bool { return settled(t, js, 1) })
	if dead := letters(t, js); len(dead) != 0 || calls.Load() != 5 {
		t.Errorf("%d dead letters after %d calls", len(dead), calls.Load())
	}
}

func TestTheLastDeliveryIsNeverLostInSilence(t *testing.T) {
	js, _ := bus(t)
	say1(t, js, uploadID)
	cfg := settings()
	cfg.Attempts, cfg.MaxDeliver = 1, 2
	for range 2 { // two stops in the middle of an outage use up the deliveries
		called := make(chan struct{}, 10)
		stop := start(t, newConsumer(js, cfg, func(context.Context, Message) error {
			called <- struct{}{}
			return fault.New(fault.Unavailable, "the database is away")
		}))
		receive(t, called)
		stop()
	}
	eventually(t, "buried", func() bool { return len(letters(t, js)) == 1 })
}

func TestNoMessageWaitsBehindABusyHandler(t *testing.T) {
	js, _ := bus(t)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		say1(t, js, id)
	}
	cfg := settings()
	cfg.Concurrency = 2
	entered, release := make(chan struct{}, 10), make(chan struct{})
	start(t, newConsumer(js, cfg, func(context.Context, Message) error {
		entered <- struct{}{}
		<-release
		return nil
	}))
	receive(t, entered)
	receive(t, entered)
	if i := info(t, js); i.NumAckPending != 2 || i.NumPending != 3 {
		t.Errorf("%d messages are out and %d wait at the server; want 2 and 3", i.NumAckPending, i.NumPending)
	}
	close(release)
	eventually(t, "all acknowledged", func() bool { return settled(t, js, 5) })
}

func TestASlowHandlerIsKeptAlive(t *testing.T) {
	js, nc := bus(t)
	say1(t, js, uploadID)
	beats, err := nc.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings()
	cfg.AckWait = time.Second
	var calls atomic.Int32
	release := make(chan struct{})
	start(t, newConsumer(js, cfg, func(context.Context, Message) error {
		calls.Add(1)
		<-release
		return nil
	}))
	for beat := range 6 { // two AckWaits long
		msg, err := beats.NextMsg(patience)
		if err != nil || string(msg.Data) != "+WPI" {
			t.Fatalf("heartbeat %d: %v, %v", beat, msg, err)
		}
	}
	close(release)
	eventually(t, "acknowledged", func() bool { return settled(t, js, 1) })
	if calls.Load() != 1 {
		t.Errorf("handled %d times", calls.Load())
	}
}

func TestWhatWasBegunIsFinished(t *testing.T) {
	js, _ := bus(t)
	say1(t, js, uploadID)
	entered, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- Consume(ctx, js, settings(), func(ctx context.Context, _ Message) error {
			close(entered)
			<-release
			return ctx.Err()
		})
	}()
	receive(t, entered)
	cancel()
	close(release)
	if err := receive(t, ended); err != nil {
		t.Error(err)
	}
	eventually(t, "acknowledged", func() bool { return settled(t, js, 1) })
}

func TestADeletedConsumerIsMadeAgain(t *testing.T) {
	js, _ := bus(t)
	got := make(chan uint64, 10)
	start(t, newConsumer(js, settings(), func(_ context.Context, m Message) error {
		got <- m.Sequence
		return nil
	}))
	say1(t, js, "one")
	receive(t, got)
	if err := js.DeleteConsumer(t.Context(), StreamPhotos, "test"); err != nil {
		t.Fatal(err)
	}
	say1(t, js, "two")
	for receive(t, got) != 2 { // the new one begins at the start
	}
}

func TestTheServerMayComeAndGo(t *testing.T) {
	cfg := embednats.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0", Token: "secret", SyncLazily: true, Log: slog.New(slog.DiscardHandler)}
	server, err := embednats.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Addr = server.Addr()
	nc, err := nats.Connect(server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectBufSize(-1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js := provisioned(t, nc)
	got := make(chan string, 10)
	start(t, newConsumer(js, settings(), Handle(func(_ context.Context, env Envelope, _ FileLanded) error {
		got <- env.ID
		return nil
	})))
	say1(t, js, "before")
	if id := receive(t, got); id != "file.landed:before" {
		t.Errorf("heard %s", id)
	}

	server.Stop()
	published := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		published <- Publish(ctx, js, landedSubject, landedEvent(t, "after"))
	}()
	server, err = embednats.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if err := receive(t, published); err != nil {
		t.Errorf("publish across a restart: %v", err)
	}
	for receive(t, got) != "file.landed:after" { // "before" may come again: its ack may have been lost
	}
}

func TestPublishGivesUpInWords(t *testing.T) {
	server, nc := natstest.Start(t)
	js := provisioned(t, nc)
	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Publish(ctx, js, landedSubject, landedEvent(t, uploadID)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestConsumeNeedsSenseInItsSettings(t *testing.T) {
	spoil := map[string]func(*ConsumerConfig){
		"stream":      func(c *ConsumerConfig) { c.Stream = "" },
		"durable":     func(c *ConsumerConfig) { c.Durable = "a.b" },
		"concurrency": func(c *ConsumerConfig) { c.Concurrency = 0 },
		"pending":     func(c *ConsumerConfig) { c.MaxAckPending = 1 },
		"ack wait":    func(c *ConsumerConfig) { c.AckWait = 30 },
		"attempts":    func(c *ConsumerConfig) { c.Attempts = 0 },
		"deliver":     func(c *ConsumerConfig) { c.MaxDeliver = c.Attempts },
	}
	for name, f := range spoil {
		cfg := settings()
		f(&cfg)
		if err := Consume(t.Context(), nil, cfg, nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHintsAndProgressAreHeard(t *testing.T) {
	_, nc := natstest.Start(t)
	heard, err := nc.SubscribeSync("filmgate.*.v1.demo.J1")
	if err != nil {
		t.Fatal(err)
	}
	if err := PublishHint(nc, "demo", Hint{JobID: "J1", PhotoIDs: make([]string, maxHintIDs+1), AlbumIDs: []string{"A"}}); err != nil {
		t.Fatal(err)
	}
	msg, err := heard.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	if hint, err := DecodeHint(msg.Data); err != nil || hint.JobID != "J1" || len(hint.PhotoIDs) != 0 || len(hint.AlbumIDs) != 1 {
		t.Errorf("hint %+v, %v", hint, err)
	}
	if err := PublishProgress(nc, "demo", Progress{JobID: "J1", Uploads: []UploadProgress{{UploadID: "U", Bytes: 7}}}); err != nil {
		t.Fatal(err)
	}
	if msg, err = heard.NextMsg(patience); err != nil {
		t.Fatal(err)
	}
	if p, err := DecodeProgress(msg.Data); err != nil || len(p.Uploads) != 1 || p.Uploads[0].Bytes != 7 {
		t.Errorf("progress %+v, %v", p, err)
	}
	if err := PublishHint(nc, "demo", Hint{JobID: "*"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a wildcard: %v", err)
	}
	if _, err := DecodeHint([]byte("{")); !fault.Is(err, fault.Invalid) {
		t.Errorf("half a hint: %v", err)
	}
}

func TestAClosedConnectionEndsHandlersThatWaitForAnOutage(t *testing.T) {
	js, nc := bus(t)
	say1(t, js, "U1")
	cfg := settings()
	cfg.Attempts, cfg.MaxDeliver = 1, 2
	tries := make(chan struct{}, 1)
	c := newConsumer(js, cfg, func(context.Context, Message) error {
		select {
		case tries <- struct{}{}:
		default:
		}
		return fault.New(fault.Unavailable, "away")
	})
	c.holdFor = time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- c.consume(t.Context()) }()
	receive(t, tries)
	nc.Close()
	if err := receive(t, ended); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
}
