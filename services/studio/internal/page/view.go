package page

import (
	"net/http"
	"net/url"
	"slices"

	catalogv1 "filmgate.dev/proto/catalog/v1"
)

// view is which part of a job a page shows. It is written in the page's address, so it can be sent to a colleague.
type view struct {
	Job   string
	Album string // empty = all
	State string // empty = everything but the trash
}

// filterLink is one of the views offered above the photos.
type filterLink struct {
	Label string
	Key   string
	Link  string
	Count int64
	Here  bool
}

var (
	sectionKeys   = []string{"group", "individuals"}
	sectionTitles = map[string]string{"group": "Group", "individuals": "Individuals"}
	viewStates    = []struct {
		key, label string
		states     []catalogv1.PhotoState
	}{
		{"", "All", nil},
		{"problems", "Problems", []catalogv1.PhotoState{catalogv1.PhotoState_PHOTO_STATE_FAILED}},
		{"processing", "Processing", []catalogv1.PhotoState{catalogv1.PhotoState_PHOTO_STATE_PROCESSING}},
		{"ready", "Ready", []catalogv1.PhotoState{catalogv1.PhotoState_PHOTO_STATE_READY}},
		{"trash", "Trash", []catalogv1.PhotoState{catalogv1.PhotoState_PHOTO_STATE_REMOVED}},
	}
)

func viewOf(r *http.Request, job string) view {
	query := r.URL.Query()
	return view{Job: job, Album: query.Get("album"), State: query.Get("show")}
}

func (v view) with(album, state string) view { return view{v.Job, album, state} }

func (v view) values() url.Values {
	values := url.Values{}
	if v.Album != "" {
		values.Set("album", v.Album)
	}
	if v.State != "" {
		values.Set("show", v.State)
	}
	return values
}

func (v view) at(path string, values url.Values) string {
	address := "/jobs/" + url.PathEscape(v.Job) + path
	if len(values) > 0 {
		address += "?" + values.Encode()
	}
	return address
}

func (v view) path() string { return v.at("", v.values()) }

// Changes, AllAlbums and Events are where the page's parts, the page of all albums and the page's stream are.
func (v view) Changes() string   { return v.at("/changes", v.values()) }
func (v view) AllAlbums() string { return v.with("", v.State).path() }
func (v view) Events() string    { return v.at("/events", nil) }

func (v view) listPath(album, section, token string) string {
	values := v.values()
	values.Set("of", album)
	values.Set("section", section)
	if token != "" {
		values.Set("token", token)
	}
	return v.at("/list", values)
}

func (v view) states() []catalogv1.PhotoState {
	for _, s := range viewStates {
		if s.key == v.State {
			return s.states
		}
	}
	return nil
}

func (v view) shows(photo *catalogv1.Photo) bool {
	if v.Album != "" && photo.GetAlbumId() != v.Album {
		return false
	}
	if states := v.states(); states != nil {
		return slices.Contains(states, photo.GetState())
	}
	return photo.GetState() != catalogv1.PhotoState_PHOTO_STATE_REMOVED
}

func (v view) count(c *catalogv1.Counts) int64 {
	switch v.State {
	case "problems":
		return c.GetFailed()
	case "processing":
		return c.GetProcessing()
	case "ready":
		return c.GetReady()
	case "trash":
		return c.GetRemoved()
	default:
		return liveCount(c)
	}
}

// filters counts what each of them would show within the present album.
func (v view) filters(total *catalogv1.Counts, albums []albumView) []filterLink {
	for _, album := range albums {
		if album.Here {
			total = album.Total
		}
	}
	var links []filterLink
	for _, s := range viewStates {
		other := v.with(v.Album, s.key)
		links = append(links, filterLink{Label: s.label, Key: s.key, Link: other.path(), Count: other.count(total), Here: v.State == s.key})
	}
	return links
}

func sectionOf(key string) catalogv1.Section {
	switch key {
	case "group":
		return catalogv1.Section_SECTION_GROUP
	case "individuals":
		return catalogv1.Section_SECTION_INDIVIDUALS
	default:
		return catalogv1.Section_SECTION_UNSPECIFIED
	}
}

func sectionKey(section catalogv1.Section) string {
	if section == catalogv1.Section_SECTION_GROUP {
		return "group"
	}
	return "individuals"
}
