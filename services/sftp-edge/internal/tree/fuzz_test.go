package tree

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// Whatever a client calls a path: it is refused in words, or it is one place, however it is spelt.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"/", "", "//", "/JOB1/Class 1/x.jpg", "/JOB1/Class 1/ Gruppe /x.jpg.filepart", "/job1/CLASS 1/.in.x.jpg", "/JOB1/../x", "/JOB1/Icon\r/x",
		"/JOB1/Klasse\u0301/a\u0308.jpg", "/JOB1/STRASSE", "/JOB1/Stra\u00dfe", "/JOB1/\u212aelvin", "/JOB1/\u0130", "/JOB1/._x/\xff", "/JOB1/Class 1/group/more/x.jpg",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var rules Rules
		p, err := Parse(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("Parse(%q) fails with %v", s, err)
			}
			return
		}
		for _, check := range []func(Path) error{rules.CheckFile, rules.CheckFolder} {
			if err := check(p); err != nil && (!fault.Is(err, fault.Denied) && !fault.Is(err, fault.Invalid) || fault.Message(err) == "") {
				t.Fatalf("%q is refused with %v", s, err)
			}
		}
		rules.FolderLike(p)
		if p.Junk() {
			return // taken and forgotten: it names no place
		}
		text := p.String()
		if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) || strings.Count(text, "/") != p.Depth() {
			t.Fatalf("Parse(%q) = %q", s, text)
		}
		again, err := Parse(text)
		if err != nil || again.String() != text || again.Depth() != p.Depth() || rules.Key(again) != rules.Key(p) {
			t.Fatalf("Parse(%q) = %q, and of that %q, %v", s, p, again, err)
		}
		// The key of a place is a place, and its key is itself.
		key := rules.Key(p)
		if keyed, err := Parse("/" + key); err == nil && !keyed.Junk() {
			if rules.Key(keyed) != key {
				t.Fatalf("the key of %q is %q, and the key of that %q", text, key, rules.Key(keyed))
			}
		}
		for name, other := range map[string]string{"composed": norm.NFC.String(s), "decomposed": norm.NFD.String(s)} {
			if o, err := Parse(other); err == nil && !o.Junk() && rules.Key(o) != rules.Key(p) {
				t.Fatalf("%q and, %s, %q are two places: %q and %q", s, name, other, rules.Key(p), rules.Key(o))
			}
		}
		if p.Depth() != Album {
			return
		}
		for _, other := range []string{strings.ToUpper(text), strings.ToLower(text), "/" + p.Job() + "/ " + p.Album() + " "} {
			o, err := Parse(other)
			if err != nil || o.Junk() || o.Depth() != Album || !strings.EqualFold(p.Job(), o.Job()) {
				continue
			}
			if one := album(t, p) == album(t, o); one != (rules.Key(o) == rules.Key(p)) {
				t.Fatalf("%q and %q: one album in the log: %v; here %q and %q", text, other, one, rules.Key(p), rules.Key(o))
			}
		}
	})
}

// album answers where the log keeps the album at p.
func album(t *testing.T, p Path) files.Place {
	place, err := files.Entry{Kind: files.KindAlbum, Job: files.Job{Account: "demo", ID: "J"}, Parent: files.Root, Name: p.Album()}.Place()
	if err != nil {
		t.Fatal(err)
	}
	return place
}
