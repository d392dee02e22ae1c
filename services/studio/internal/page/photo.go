package page

import (
	"net/http"
	"strings"

	"filmgate.dev/pkg/fault"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	"filmgate.dev/services/studio/internal/session"
)

// photoPage shows one photo large, what is known of it, and what can be done with it.
type photoPage struct {
	tile
	Large    string
	Largest  string
	Original string
	Advice   string
	Albums   []*catalogv1.Album // to move it to
	Back     string
	Twin     *catalogv1.Photo // was there first, with the same bytes
}

// Tile is the photo among others, for its buttons.
func (p photoPage) Tile() tile { return p.tile }

func (p *Pages) photo(w http.ResponseWriter, r *http.Request, who session.Session) error {
	ctx, cancel := soon(r)
	defer cancel()
	photo, err := p.Catalog.GetPhoto(ctx, &catalogv1.GetPhotoRequest{Id: r.PathValue("photo")})
	if err != nil {
		return err
	}
	p.photos.put(who.Principal.GetAccount(), photo)
	page := photoPage{
		tile:  newTile(photo, view{Job: photo.GetJobId()}, mayOf(who)),
		Large: derivativePath(photo, "1280"), Largest: derivativePath(photo, "2048"),
		Advice: advice(photo.GetProblem()),
		Back:   localPath(r.URL.Query().Get("back"), view{Job: photo.GetJobId(), Album: photo.GetAlbumId()}.path()),
	}
	if page.May.Download {
		page.Original = "/photos/" + photo.GetId() + "/original"
	}
	if page.May.Photos {
		if page.Albums, err = p.albums(ctx, photo.GetJobId()); err != nil {
			return err
		}
	}
	if id := photo.GetDuplicateOf(); id != "" {
		twin, err := p.Catalog.GetPhoto(ctx, &catalogv1.GetPhotoRequest{Id: id})
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		page.Twin = twin
	}
	if fromScript(r) {
		return p.part(w, r, "photo", "photo", page)
	}
	p.show(w, r, &who, http.StatusOK, "photo", page)
	return nil
}

// advice adds to the reason, which already says what to do about the file, what to do here.
func advice(problem *catalogv1.Problem) string {
	switch problem.GetCode() {
	case "":
		return ""
	case "not_an_image":
		return "If it does not belong here, move it to the trash."
	case "failed":
		return ""
	default:
		return "A file uploaded under the same name takes this one's place."
	}
}

func (p *Pages) changePhoto(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	id, action := r.PathValue("photo"), r.PathValue("action")
	ctx, cancel := soon(r)
	defer cancel()
	var (
		photo *catalogv1.Photo
		err   error
	)
	switch action {
	case "remove":
		photo, err = p.Catalog.RemovePhoto(ctx, &catalogv1.RemovePhotoRequest{Id: id})
	case "restore":
		photo, err = p.Catalog.RestorePhoto(ctx, &catalogv1.RestorePhotoRequest{Id: id})
	case "retry":
		photo, err = p.Catalog.RetryPhoto(ctx, &catalogv1.RetryPhotoRequest{Id: id})
	case "hide", "show":
		photo, err = p.Catalog.SetPhotoHidden(ctx, &catalogv1.SetPhotoHiddenRequest{Id: id, Hidden: action == "hide"})
	case "move":
		album, section, _ := strings.Cut(r.PostForm.Get("to"), " ")
		photo, err = p.Catalog.MovePhoto(ctx, &catalogv1.MovePhotoRequest{Id: id, AlbumId: album, Section: sectionOf(section)})
	default:
		return fault.New(fault.NotFound, "A photo cannot be told to %q.", action)
	}
	if err != nil {
		return err
	}
	p.photos.put(who.Principal.GetAccount(), photo)
	back := view{Job: photo.GetJobId(), Album: photo.GetAlbumId()}.path()
	return seeOther(w, r, localPath(r.PostForm.Get("back"), back), "photo-"+action)
}
