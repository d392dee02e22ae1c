package page

import (
	"net/http"

	"filmgate.dev/pkg/fault"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	"filmgate.dev/services/studio/internal/session"
)

// maxChanged bounds the photos that one part brings up to date.
const maxChanged = 100

// changesPart is what the page has to bring up to date: its shell, and some photos.
type changesPart struct {
	*jobPage
	Changed []tile
	Gone    []string
}

// changes answers the shell and the named photos as they are now.
func (p *Pages) changes(w http.ResponseWriter, r *http.Request, who session.Session) error {
	shell, err := p.jobShell(r, who)
	if err != nil {
		return err
	}
	ids := r.URL.Query()["photo"]
	if len(ids) > maxChanged {
		return fault.New(fault.Invalid, "ask for at most %d photos at once", maxChanged)
	}
	part := changesPart{jobPage: shell}
	ctx, cancel := soon(r)
	defer cancel()
	for _, id := range ids {
		photo, err := p.Catalog.GetPhoto(ctx, &catalogv1.GetPhotoRequest{Id: id})
		if fault.Is(err, fault.NotFound) {
			part.Gone = append(part.Gone, id)
			continue
		}
		if err != nil {
			return err
		}
		p.photos.put(who.Principal.GetAccount(), photo)
		if photo.GetJobId() != shell.Job.GetId() || !shell.View.shows(photo) {
			part.Gone = append(part.Gone, id)
			continue
		}
		part.Changed = append(part.Changed, newTile(photo, shell.View, shell.May))
	}
	return p.part(w, r, "job", "changes", part)
}
