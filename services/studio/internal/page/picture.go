package page

import (
	"context"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"filmgate.dev/pkg/fault"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	"filmgate.dev/services/studio/internal/session"
)

// stalled is how long a browser may take no byte before its download ends.
const stalled = time.Minute

// stored is an object in the bucket as a browser gets it.
type stored struct {
	key       string
	mediaType string
	tag       string
	download  string // the file's name; empty = shown in the page
}

// picture streams a derivative, or the original to those who may download.
func (p *Pages) picture(w http.ResponseWriter, r *http.Request, who session.Session) error {
	account, name, asked := who.Principal.GetAccount(), r.PathValue("name"), r.URL.Query().Get("v")
	object, err := objectOf(p.photos.get(account, r.PathValue("photo")), name, who)
	if err != nil || object.tag != asked {
		// Not remembered, or the page knows a newer picture than we do.
		photo, err := p.findPhoto(r)
		if err != nil {
			return err
		}
		p.photos.put(account, photo)
		if object, err = objectOf(photo, name, who); err != nil {
			return err
		}
	}
	h, tag := w.Header(), strconv.Quote(object.tag)
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if object.tag == asked && object.download == "" {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return p.stream(w, r, object)
}

func (p *Pages) findPhoto(r *http.Request) (*catalogv1.Photo, error) {
	ctx, cancel := soon(r)
	defer cancel()
	return p.Catalog.GetPhoto(ctx, &catalogv1.GetPhotoRequest{Id: r.PathValue("photo")})
}

// objectOf answers the object behind a name. A photo that is nil has none.
func objectOf(photo *catalogv1.Photo, name string, who session.Session) (stored, error) {
	if name == "original" {
		if !who.May("download") {
			return stored{}, fault.New(fault.Denied, "You may look at photos, but not download originals.")
		}
		// Whatever the sender called it, a browser must never run it: it is always a download.
		mediaType := "application/octet-stream"
		switch strings.ToLower(path.Ext(photo.GetName())) {
		case ".jpg", ".jpeg":
			mediaType = "image/jpeg"
		case ".png":
			mediaType = "image/png"
		}
		return stored{photo.GetObjectKey(), mediaType, objectTag(photo.GetObjectKey()), photo.GetName()}, nil
	}
	for _, d := range photo.GetDerivatives() {
		if d.GetName() == name {
			mediaType := "image/jpeg"
			if d.GetMediaType() == "image/png" || d.GetMediaType() == "image/webp" {
				mediaType = d.GetMediaType()
			}
			return stored{d.GetObjectKey(), mediaType, objectTag(d.GetObjectKey()), ""}, nil
		}
	}
	return stored{}, fault.New(fault.NotFound, "This photo has no picture of that size yet.")
}

func (p *Pages) stream(w http.ResponseWriter, r *http.Request, object stored) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	body, info, err := p.Bucket.Get(ctx, object.key)
	if err != nil {
		return err
	}
	defer body.Close()
	h := w.Header()
	h.Set("Content-Type", object.mediaType)
	h.Set("Content-Length", strconv.FormatInt(info.Size, 10))
	if object.download != "" {
		h.Set("Content-Disposition", attachment(object.download))
	}
	sent, err := io.Copy(patientWriter{w, http.NewResponseController(w)}, body)
	if err != nil && sent == 0 {
		return err
	}
	if err != nil {
		// Too late for a page in words: the length that was promised tells the browser that this is not all.
		p.Log.Info("picture broke off", "path", r.URL.Path, "sent", sent, "size", info.Size, "err", err)
	}
	return nil
}

// attachment writes the header that makes a browser save a file under its name, whatever letters that has.
func attachment(name string) string {
	if header := mime.FormatMediaType("attachment", map[string]string{"filename": name}); header != "" {
		return header
	}
	return "attachment"
}

// patientWriter gives every piece its own deadline: slow is fine, stalled is not.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w patientWriter) Write(b []byte) (int, error) {
	// Not every ResponseWriter has deadlines (a test's recorder has none); then nothing bounds the write.
	_ = w.control.SetWriteDeadline(time.Now().Add(stalled))
	return w.ResponseWriter.Write(b)
}
