package page

import (
	"context"
	"net/http"

	catalogv1 "filmgate.dev/proto/catalog/v1"
	"filmgate.dev/services/studio/internal/session"
)

// photosPerPart is how many photos come at once.
const photosPerPart = 200

// listView is a stretch of tiles and where the next stretch is.
type listView struct {
	Tiles []tile
	More  string
}

// list answers a stretch of one section's tiles.
func (p *Pages) list(ctx context.Context, who session.Session, v view, album, section, token string) (listView, error) {
	answer, err := p.Catalog.ListPhotos(ctx, &catalogv1.ListPhotosRequest{
		JobId: v.Job, AlbumId: album, Section: sectionOf(section), States: v.states(), PageSize: photosPerPart, PageToken: token,
	})
	if err != nil {
		return listView{}, err
	}
	p.photos.put(who.Principal.GetAccount(), answer.GetPhotos()...)
	list := listView{Tiles: make([]tile, len(answer.GetPhotos()))}
	for i, photo := range answer.GetPhotos() {
		list.Tiles[i] = newTile(photo, v, mayOf(who))
	}
	if next := answer.GetNextPageToken(); next != "" {
		list.More = v.listPath(album, section, next)
	}
	return list, nil
}

// photoList answers the next tiles of a section.
func (p *Pages) photoList(w http.ResponseWriter, r *http.Request, who session.Session) error {
	query := r.URL.Query()
	v := viewOf(r, r.PathValue("job"))
	ctx, cancel := soon(r)
	defer cancel()
	list, err := p.list(ctx, who, v, query.Get("of"), query.Get("section"), query.Get("token"))
	if err != nil {
		return err
	}
	if fromScript(r) {
		return p.part(w, r, "list", "tiles", list)
	}
	p.show(w, r, &who, http.StatusOK, "list", listPage{
		Title: sectionTitles[query.Get("section")], Back: v.with(query.Get("of"), v.State).path(), List: list,
	})
	return nil
}

// listPage is a stretch of tiles on a page of its own, where no script runs.
type listPage struct {
	Title string
	Back  string
	List  listView
}
