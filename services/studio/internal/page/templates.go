package page

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

// worthPacking is from when on a page is compressed: 200 tiles shrink to a tenth. Pages with generated passwords echo
// nothing that a stranger chose, so their length tells nothing.
const worthPacking = 8 << 10

//go:embed templates/*.html
var templateFiles embed.FS

// templates holds one set per page: the layout, the parts that pages share, and the page itself.
type templates map[string]*template.Template

func parseTemplates(a assets) (templates, error) {
	funcs := template.FuncMap{
		"asset": a.url, "size": size, "count": count, "plural": plural, "stamp": stamp, "day": day,
		"under": under, "live": liveCount, "act": newAct, "role": roleLabel,
		"len64": func(keys []*jobsv1.SSHKey) int64 { return int64(len(keys)) },
	}
	shared, err := template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	pages := templates{}
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if pages[name], err = page.ParseFS(templateFiles, path.Join("templates", file.Name())); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// frame is what the layout shows around every page.
type frame struct {
	Who    *session.Session
	Studio string
	Here   string // the path, to mark the menu
	Done   string // what was just done, in words
	Page   any
}

// show answers a whole page.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, who *session.Session, status int, name string, data any) {
	f := frame{Who: who, Here: r.URL.Path, Done: done[r.URL.Query().Get("done")], Page: data}
	if who != nil {
		f.Studio = p.studios.name(r.Context(), who.Principal.GetAccount())
	}
	p.write(w, r, status, name, "layout", f)
}

// part answers a piece of a page, for the script.
func (p *Pages) part(w http.ResponseWriter, r *http.Request, name, block string, data any) error {
	p.write(w, r, http.StatusOK, name, block, data)
	return nil
}

// write renders everything before the first byte is sent, so that a mistake becomes an error and not half a page.
func (p *Pages) write(w http.ResponseWriter, r *http.Request, status int, name, block string, data any) {
	var out bytes.Buffer
	page, ok := p.templates[name]
	err := fmt.Errorf("no page is called %q", name)
	if ok {
		err = page.ExecuteTemplate(&out, block, data)
	}
	if err != nil {
		p.Log.Error("render", "page", name, "err", err)
		http.Error(w, fault.Message(err), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Vary", "Accept-Encoding")
	if out.Len() < worthPacking || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(status)
		_, _ = w.Write(out.Bytes()) // an error means that the browser went away
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one that exists
	_, _ = packed.Write(out.Bytes())
	_ = packed.Close()
}

// done is what a page says after the form that led to it.
var done = map[string]string{
	"job-created":   "The job is ready. Photographers see its folder now.",
	"job-renamed":   "The job has its new name.",
	"job-status":    "The status is changed.",
	"job-locked":    "The job is locked: photographers no longer see it.",
	"job-unlocked":  "The job is unlocked.",
	"job-assigned":  "The assignment is saved.",
	"album-renamed": "The album has its new name.",
	"photo-remove":  "The photo is in the trash, for 7 days.",
	"photo-restore": "The photo is back.",
	"photo-retry":   "The photo is being processed again.",
	"photo-hide":    "The photo is hidden from customers.",
	"photo-show":    "The photo is shown to customers again.",
	"photo-move":    "The photo is moved.",
	"user-saved":    "Saved.",
	"ban-lifted":    "The ban is lifted. The SFTP server hears of it within ten seconds.",
	"user-on":       "The user is switched on.",
	"user-off":      "The user is switched off. Running connections end within seconds.",
	"sftp-on":       "SFTP access is on.",
	"sftp-off":      "SFTP access is off. Running connections end within seconds.",
	"key-added":     "The key is added.",
	"key-removed":   "The key is removed.",
}

// seeOther leads from a form to the page that shows what it did.
func seeOther(w http.ResponseWriter, r *http.Request, path, what string) error {
	if fromScript(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	// The path may carry a filter and an older word of what was done.
	target, query, _ := strings.Cut(localPath(path, "/jobs"), "?")
	values := parseQuery(query)
	values.Set("done", what)
	http.Redirect(w, r, target+"?"+values.Encode(), http.StatusSeeOther)
	return nil
}
