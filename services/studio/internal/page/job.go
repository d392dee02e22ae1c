package page

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"filmgate.dev/pkg/fault"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

const (
	// A job's page comes with this many photos, from at most so many sections; the script fetches others when they
	// scroll into view.
	photosAtFirst   = 120
	sectionsAtFirst = 8
	// maxAlbums bounds one page; a shoot has dozens.
	maxAlbums = 2_000
)

// jobPage is the photo management of one job.
type jobPage struct {
	Job     *jobsv1.Job
	Status  statusWords
	View    view
	Albums  []albumView // those shown
	Index   []albumView // all, for the menu
	Total   *catalogv1.Counts
	Filters []filterLink
	May     may
}

// may is what the person is offered; the services decide.
type may struct{ Photos, Jobs, Download bool }

func mayOf(who session.Session) may {
	return may{Photos: who.May("photos"), Jobs: who.May("jobs"), Download: who.May("download")}
}

type albumView struct {
	*catalogv1.Album
	Total    *catalogv1.Counts
	Sections []sectionView
	Link     string
	Here     bool
	May      may
	JobID    string
}

// sectionView is one of the two parts of an album, with its first photos or with where to get them.
type sectionView struct {
	Title string
	Key   string
	Album string
	Count int64
	Shown *catalogv1.Counts
	List  listView
}

func (p *Pages) job(w http.ResponseWriter, r *http.Request, who session.Session) error {
	page, err := p.jobPage(r, who)
	if err != nil {
		return err
	}
	p.show(w, r, &who, http.StatusOK, "job", page)
	return nil
}

func (p *Pages) jobPage(r *http.Request, who session.Session) (*jobPage, error) {
	page, err := p.jobShell(r, who)
	if err != nil {
		return nil, err
	}
	ctx, cancel := soon(r)
	defer cancel()
	budget := photosAtFirst
	sections := 0
	for i := range page.Albums {
		for j := range page.Albums[i].Sections {
			section := &page.Albums[i].Sections[j]
			if section.Count == 0 || budget <= 0 || sections >= sectionsAtFirst {
				continue
			}
			list, err := p.list(ctx, who, page.View, section.Album, section.Key, "")
			if err != nil {
				return nil, err
			}
			section.List = list
			sections++
			budget -= len(list.Tiles)
		}
	}
	return page, nil
}

// jobShell is the page without its photos: each section knows where they are.
func (p *Pages) jobShell(r *http.Request, who session.Session) (*jobPage, error) {
	job, err := p.findJob(r)
	if err != nil {
		return nil, err
	}
	page := &jobPage{Job: job, Status: wordsFor(job.GetStatus()), View: viewOf(r, job.GetId()), Total: &catalogv1.Counts{}, May: mayOf(who)}
	ctx, cancel := soon(r)
	defer cancel()
	albums, err := p.albums(ctx, job.GetId())
	if err != nil {
		return nil, err
	}
	found := page.View.Album == ""
	for _, album := range albums {
		shown := albumView{
			Album: album, Total: add(album.GetGroup(), album.GetIndividuals()), May: page.May, JobID: job.GetId(),
			Link: page.View.with(album.GetId(), page.View.State).path(), Here: album.GetId() == page.View.Album,
		}
		page.Total = add(page.Total, shown.Total)
		for _, key := range sectionKeys {
			section := sectionView{Title: sectionTitles[key], Key: key, Album: album.GetId(), Shown: album.GetGroup()}
			if key == "individuals" {
				section.Shown = album.GetIndividuals()
			}
			section.Count = page.View.count(section.Shown)
			if section.Count > 0 {
				section.List.More = page.View.listPath(album.GetId(), key, "")
			}
			shown.Sections = append(shown.Sections, section)
		}
		page.Index = append(page.Index, shown)
		found = found || shown.Here
		wanted := page.View.State == "" || page.View.count(shown.Total) > 0
		if shown.Here || page.View.Album == "" && wanted {
			page.Albums = append(page.Albums, shown)
		}
	}
	if !found {
		return nil, fault.New(fault.NotFound, "This album is not in %s. It may have been removed.", job.GetInternalName())
	}
	page.Filters = page.View.filters(page.Total, page.Index)
	return page, nil
}

func (p *Pages) albums(ctx context.Context, job string) ([]*catalogv1.Album, error) {
	var all []*catalogv1.Album
	for token := ""; ; {
		answer, err := p.Catalog.ListAlbums(ctx, &catalogv1.ListAlbumsRequest{JobId: job, PageSize: 500, PageToken: token})
		if err != nil {
			return nil, err
		}
		all = append(all, answer.GetAlbums()...)
		if token = answer.GetNextPageToken(); token == "" || len(all) >= maxAlbums {
			return all, nil
		}
	}
}

func (p *Pages) renameAlbum(w http.ResponseWriter, r *http.Request, _ session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	ask := &catalogv1.RenameAlbumRequest{Id: r.PostForm.Get("album"), Name: strings.TrimSpace(r.PostForm.Get("name"))}
	if _, err := p.Catalog.RenameAlbum(r.Context(), ask); err != nil {
		return err
	}
	return seeOther(w, r, localPath(r.PostForm.Get("back"), "/jobs/"+url.PathEscape(r.PathValue("job"))), "album-renamed")
}

func add(a, b *catalogv1.Counts) *catalogv1.Counts {
	return &catalogv1.Counts{
		Total: a.GetTotal() + b.GetTotal(), Processing: a.GetProcessing() + b.GetProcessing(), Ready: a.GetReady() + b.GetReady(),
		Failed: a.GetFailed() + b.GetFailed(), Removed: a.GetRemoved() + b.GetRemoved(), Bytes: a.GetBytes() + b.GetBytes(),
	}
}

// liveCount counts what is not in the trash.
func liveCount(c *catalogv1.Counts) int64 { return c.GetProcessing() + c.GetReady() + c.GetFailed() }
