// Package access says what each of Filmgate's NATS users may do: its work, and nothing else.
//
// It is the one source of it. The server's configuration in deploy/nats is written from here, and the tests run every
// service under its own user.
package access

import (
	"slices"
	"strings"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	albummapper "filmgate.dev/services/album-mapper"
	"filmgate.dev/services/processing"
)

// User is a NATS user and what it may say and hear. What is not listed is refused.
type User struct {
	Name      string
	Does      string
	Publish   []string
	Deny      []string // taken out of Publish
	Subscribe []string
	// Imported are requests to another account: that one's server side answers only whoever asked.
	Imported []string
}

// uploads is the stream behind the key-value bucket.
const uploads = "KV_UPLOADS"

// Users are all of them.
func Users() []User {
	return []User{
		{
			Name: "sftp-edge", Does: "writes entries of the files log and records of uploads, reads both, tells progress",
			Publish:   append([]string{files.Subjects, "$KV.UPLOADS.>", "filmgate.progress.v1.*.*"}, append(reads(files.Stream), reads(uploads)...)...),
			Deny:      others(files.Stream),
			Subscribe: inbox("sftp-edge"),
		},
		{
			Name: "job-status", Does: "says job events, hints to its other replicas",
			Publish:   append(photos(true), "filmgate.hint.v1.*.jobs", "$JS.API.STREAM.INFO."+events.StreamPhotos),
			Subscribe: append(inbox("job-status"), "filmgate.hint.v1.*.jobs"),
		},
		{
			Name: "album-mapper", Does: "hears the files log, answers of processing and job events; says all else on PHOTOS, work for processing, hints; writes entries for what a studio changes",
			Publish: slices.Concat(photos(false), []string{files.Subjects, "filmgate.work.v1.*.*." + events.WorkPicture, "filmgate.hint.v1.*.*"},
				reads(files.Stream), durables(albummapper.Durables()...), looks(events.StreamWork, events.StreamPhotos),
				[]string{"$JS.API.STREAM.INFO." + events.StreamDLQ, "$JS.API.STREAM.INFO." + uploads}),
			Deny:      append(changes(files.Stream, albummapper.Durables()...), "filmgate.hint.v1.*.jobs"),
			Subscribe: append(inbox("album-mapper"), "filmgate.hint.v1.*.*"),
		},
		{
			Name: "processing", Does: "hears of photos, says what became of them",
			Publish:   slices.Concat([]string{"filmgate.work.v1.*.*." + events.WorkDone}, durables(processing.Durable()), looks(events.StreamWork)),
			Subscribe: inbox("processing"),
		},
		{
			Name: "studio", Does: "hears hints and progress; says nothing",
			Deny:      []string{">"},
			Subscribe: append(inbox("studio"), "filmgate.hint.v1.*.*", "filmgate.progress.v1.*.*"),
		},
		{
			Name: "provision", Does: "makes and patches streams and consumers; deletes nothing, and reads and writes no message",
			Publish: provisions(), Subscribe: inbox("provision"),
		},
		{
			Name: "restore", Does: "writes the files log and the streams anew, for `filmgate rebuild` and `filmgate move`; deletes nothing",
			Publish:   slices.Concat(makes(), []string{"$JS.API.STREAM.MSG.GET." + files.Stream, files.Subjects, "filmgate.photos.v1.>", "filmgate.work.v1.>", "filmgate.dlq.v1.>"}),
			Subscribe: inbox("restore"),
		},
		{
			Name: "smoke", Does: "hears the events of the account smoke, and looks whether PHOTOS has them",
			Publish:   []string{"$JS.API.STREAM.MSG.GET." + events.StreamPhotos},
			Subscribe: append(inbox("smoke"), "filmgate.photos.v1.smoke.*.*"),
		},
		Listener("listener"),
	}
}

// Listener is another team's program, in an account of its own: it pulls PHOTOS through the consumer that has its name.
func Listener(name string) User {
	return User{
		Name: name, Does: "pulls PHOTOS through its own consumer, which `filmgate provision` makes (FILMGATE_LISTENERS)",
		Imported: append([]string{"$JS.API.STREAM.INFO." + events.StreamPhotos}, durable(events.StreamPhotos, name)...),
	}
}

// inbox is where answers come in: nobody else's.
func inbox(name string) []string { return []string{events.Inbox(name) + ".>"} }

// photos are the subjects of the public events of job-status, or of album-mapper.
func photos(jobs bool) []string {
	var all []string
	for _, kind := range events.Kinds() {
		if kind.Public && strings.HasPrefix(string(kind.Type), "job.") == jobs {
			all = append(all, events.PhotosFilter(kind.Type))
		}
	}
	return all
}

// reads are the requests of package files: the last message of a subject, counts, and listings through short-lived consumers.
func reads(stream string) []string {
	return []string{
		"$JS.API.STREAM.MSG.GET." + stream, "$JS.API.STREAM.INFO." + stream,
		"$JS.API.CONSUMER.CREATE." + stream + ".*", "$JS.API.CONSUMER.MSG.NEXT." + stream + ".*", "$JS.API.CONSUMER.DELETE." + stream + ".*",
	}
}

// looks are the requests of a consumer's readiness and metrics: is the stream there, and how old is what waits in it.
func looks(streams ...string) []string {
	var all []string
	for _, stream := range streams {
		all = append(all, "$JS.API.STREAM.INFO."+stream, "$JS.API.STREAM.MSG.GET."+stream)
	}
	return all
}

// durables are the requests of a consumer that is there already, and its dead letters.
func durables(all ...events.ConsumerConfig) []string {
	var subjects []string
	for _, c := range all {
		subjects = append(subjects, durable(c.Stream, c.Durable)...)
		subjects = append(subjects, "filmgate.dlq.v1."+c.Stream+"."+c.Durable)
	}
	return subjects
}

func durable(stream, name string) []string {
	return []string{
		"$JS.API.CONSUMER.INFO." + stream + "." + name,
		"$JS.API.CONSUMER.MSG.NEXT." + stream + "." + name,
		// Both forms of acknowledgement subject: with and without domain and account hash.
		"$JS.ACK." + stream + "." + name + ".>",
		"$JS.ACK.*.*." + stream + "." + name + ".>",
	}
}

// others are the requests about the durable consumers of a stream that is read through short-lived ones.
func others(stream string) []string {
	var denied []string
	for _, c := range albummapper.Durables() {
		if c.Stream == stream {
			denied = append(denied, "$JS.API.CONSUMER.*."+stream+"."+c.Durable, "$JS.API.CONSUMER.MSG.NEXT."+stream+"."+c.Durable)
		}
	}
	return denied
}

// changes are the requests that would change or delete durable consumers of a stream.
func changes(stream string, all ...events.ConsumerConfig) []string {
	var denied []string
	for _, c := range all {
		if c.Stream == stream {
			denied = append(denied, "$JS.API.CONSUMER.CREATE."+stream+"."+c.Durable, "$JS.API.CONSUMER.DELETE."+stream+"."+c.Durable)
		}
	}
	return denied
}

// makes are the requests that make and patch streams.
func makes() []string {
	var all []string
	for _, stream := range append(files.Streams(1), events.Streams(1)...) {
		for _, verb := range []string{"INFO", "CREATE", "UPDATE"} {
			all = append(all, "$JS.API.STREAM."+verb+"."+stream.Name)
		}
	}
	return all
}

func provisions() []string {
	all := makes()
	for _, c := range append(albummapper.Durables(), processing.Durable()) {
		if c.Stream == events.StreamPhotos {
			continue // with the listeners'
		}
		for _, verb := range []string{"INFO", "CREATE"} {
			all = append(all, "$JS.API.CONSUMER."+verb+"."+c.Stream+"."+c.Durable)
		}
	}
	return append(all, "$JS.API.CONSUMER.INFO."+events.StreamPhotos+".*", "$JS.API.CONSUMER.CREATE."+events.StreamPhotos+".*")
}
