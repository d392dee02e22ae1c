package page

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	catalogv1 "filmgate.dev/proto/catalog/v1"
)

// tile is a photo among others.
type tile struct {
	*catalogv1.Photo
	State   string
	Color   string // of the empty frame while the thumbnail loads
	Link    string
	Small   string
	Larger  string // for sharp screens
	Section string
	May     may
	Back    string
}

func newTile(photo *catalogv1.Photo, v view, m may) tile {
	t := tile{
		Photo: photo, State: stateWord(photo.GetState()), Color: placeholderColor(photo.GetPlaceholder()),
		Link:    "/photos/" + url.PathEscape(photo.GetId()) + "?" + url.Values{"back": {v.path()}}.Encode(),
		Section: sectionKey(photo.GetSection()), May: m, Back: v.path(),
	}
	t.Small, t.Larger = derivativePath(photo, "320"), derivativePath(photo, "640")
	return t
}

// stateWord is a photo's state as class name and word.
func stateWord(state catalogv1.PhotoState) string {
	switch state {
	case catalogv1.PhotoState_PHOTO_STATE_PROCESSING:
		return "processing"
	case catalogv1.PhotoState_PHOTO_STATE_READY:
		return "ready"
	case catalogv1.PhotoState_PHOTO_STATE_FAILED:
		return "failed"
	case catalogv1.PhotoState_PHOTO_STATE_REMOVED:
		return "removed"
	default:
		return "unknown"
	}
}

// derivativePath is where a browser finds a derivative, or "" where there is none. The address names the object, which
// never changes, so the browser keeps the picture for good; the photo's version would not do, because a photo whose new
// version is still processing shows the old one's pictures.
func derivativePath(photo *catalogv1.Photo, name string) string {
	for _, d := range photo.GetDerivatives() {
		if d.GetName() == name {
			return "/photos/" + url.PathEscape(photo.GetId()) + "/" + name + "?v=" + objectTag(d.GetObjectKey())
		}
	}
	return ""
}

// objectTag is a short name for an object.
func objectTag(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:9])
}

// Note joins what is worth knowing; that a photo is a copy has a tag of its own.
func (t tile) Note() string {
	var words []string
	for _, notice := range t.GetNotices() {
		if notice.GetCode() != "duplicate" {
			words = append(words, notice.GetMessage())
		}
	}
	return strings.Join(words, " ")
}

// Width and Height are the thumbnail's, so that nothing jumps when it has loaded.
func (t tile) Width() int32 {
	return t.dimension(func(d *catalogv1.Derivative) int32 { return d.GetWidth() })
}
func (t tile) Height() int32 {
	return t.dimension(func(d *catalogv1.Derivative) int32 { return d.GetHeight() })
}

func (t tile) dimension(of func(*catalogv1.Derivative) int32) int32 {
	for _, d := range t.GetDerivatives() {
		if d.GetName() == "320" {
			return of(d)
		}
	}
	return 0
}

// placeholderColor answers the average colour in a thumbhash as "#rrggbb", or "".
func placeholderColor(placeholder string) string {
	hash, err := base64.StdEncoding.DecodeString(placeholder)
	if err != nil || len(hash) < 5 {
		return ""
	}
	// The first 18 bits: lightness and two chroma axes, 6 bits each.
	header := int(hash[0]) | int(hash[1])<<8 | int(hash[2])<<16
	l := float64(header&63) / 63
	p := float64(header>>6&63)/31.5 - 1
	q := float64(header>>12&63)/31.5 - 1
	b := l - 2.0/3*p
	r := (3*l - b + q) / 2
	return fmt.Sprintf("#%02x%02x%02x", channel(r), channel(r-q), channel(b))
}

func channel(v float64) int { return int(min(max(v, 0), 1)*255 + 0.5) }

// act is a button that does something to a photo.
type act struct{ ID, Action, Label, Back string }

func newAct(t tile, action, label string) act {
	return act{ID: t.GetId(), Action: action, Label: label, Back: t.Back}
}
