// Package processing makes the pictures that pages show: it hears of a photo, reads its original, makes the smaller
// pictures and the placeholder, reads what the camera wrote, and says that they are there, or why they cannot be.
//
// It keeps nothing of its own: killed at any moment, the next one to hear of the photo does the same again under the same
// keys and says the same sentence.
package processing

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/queue"
)

// Config is what can be set; the zero value suits the machine.
type Config struct {
	Workers   int `env:"FILMGATE_PROCESSING_WORKERS" default:"0" help:"photos worked on at the same time; 0 is one for each core"`
	MemoryMiB int `env:"FILMGATE_PROCESSING_MEMORY_MIB" default:"0" help:"memory for photos being worked on, in MiB; 0 is 60 % of what the container or the machine has"`
	Sale      Sale
}

// Deps are the peers, dialled.
type Deps struct {
	NATS         *nats.Conn
	Bucket       *objects.Bucket
	Log          *slog.Logger
	Metrics      prometheus.Registerer // nil: nobody asks
	Traces       trace.TracerProvider  // nil: nobody looks
	Installation string
}

// Service makes pictures.
type Service struct {
	Deps
	js      jetstream.JetStream
	engine  engine.Engine
	workers int
	memory  int64 // for photos, in bytes
	whole   int64 // that there is for this process
	sale    Sale
	counts  counts
	budget  *queue.Queue // of memory, in bytes
	cores   *queue.Queue // one for each worker

	patience func(e engine.Estimate, delivered int) time.Duration
}

// New makes a Service. Its peers need not be there yet.
func New(cfg Config, deps Deps) (*Service, error) {
	switch {
	case cfg.Workers < 0 || cfg.Workers > maxPending/2:
		return nil, fault.New(fault.Invalid, "FILMGATE_PROCESSING_WORKERS: %d is not a number of workers", cfg.Workers)
	case cfg.MemoryMiB < 0 || cfg.MemoryMiB > 0 && cfg.MemoryMiB < 64:
		return nil, fault.New(fault.Invalid, "FILMGATE_PROCESSING_MEMORY_MIB: %d is too little; give at least 64, better 512 for each worker", cfg.MemoryMiB)
	case deps.NATS == nil || deps.Bucket == nil || deps.Log == nil:
		return nil, fault.New(fault.Internal, "processing needs NATS, a bucket and a log")
	}
	if err := cfg.Sale.Check(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(deps.NATS)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "this NATS connection cannot be used")
	}
	s := &Service{Deps: deps, js: js, engine: engine.Fastest(), workers: cfg.Workers, memory: int64(cfg.MemoryMiB) << 20, whole: availableMemory(), sale: cfg.Sale, patience: patient}
	if s.workers == 0 {
		s.workers = runtime.GOMAXPROCS(0)
	}
	if s.memory == 0 {
		s.memory = s.whole / 10 * 6
	}
	s.budget = queue.New(s.memory, s.memory)
	s.cores = queue.New(int64(s.workers), int64(max(1, s.workers/4)))
	s.counts = newCounts(deps.Metrics)
	s.counts.most.Set(float64(s.memory))
	events.Measure(deps.NATS, deps.Metrics)
	return s, nil
}

// Durable is the service's place in the stream. `filmgate provision` makes it; where it did not, the service does.
func Durable() events.ConsumerConfig {
	return events.ConsumerConfig{
		Stream: streamWork, Durable: "pictures", FilterSubjects: []string{events.AllPictures},
		AckWait: ackWait, MaxAckPending: maxPending, Attempts: attempts, MaxDeliver: attempts + 3,
	}
}

// Run works until ctx ends; photos that were begun are finished first, within a bound.
func (s *Service) Run(ctx context.Context) error {
	durable := Durable()
	// As many are fetched as are made at the same time, so that no core waits for the bucket.
	durable.Concurrency, durable.Log = 2*s.workers, s.Log
	durable.Metrics, durable.Traces, durable.Step = s.Metrics, s.Traces, "process"
	return events.Consume(ctx, s.js, durable, s.photoMapped)
}
