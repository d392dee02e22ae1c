package files_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func TestParseName(t *testing.T) {
	for in, want := range map[string]string{
		"x.jpg":                    "x.jpg",
		"Jürgen's Foto #1.JPG":     "Jürgen's Foto #1.JPG",
		"Ju\u0308rgen.jpg":         "J\u00fcrgen.jpg", // a Mac's spelling
		" a ":                      " a ",
		"\\ : * ? \" < > |.":       "\\ : * ? \" < > |.",
		"🎓.png":                    "🎓.png",
		"...":                      "...",
		strings.Repeat("n", 255):   strings.Repeat("n", 255),
		strings.Repeat("ü", 127):   strings.Repeat("ü", 127),
		"e\u0301" + "\u1e9b\u0323": "\u00e9\u1e9b\u0323",
	} {
		got, err := files.ParseName(in)
		if err != nil || string(got) != want {
			t.Errorf("ParseName(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, words := range map[string]string{
		"":                           "the name is empty",
		"   ":                        "the name is empty",
		".":                          `"." is not a name`,
		"..":                         `".." is not a name`,
		"a/b":                        "a name cannot contain a slash",
		"a\x00b":                     "the name contains a control character",
		"a\nb":                       "the name contains a control character",
		"a\u0085b":                   "the name contains a control character",
		"\xff.jpg":                   "the name is not valid UTF-8",
		strings.Repeat("n", 256):     "the name is too long: 255 bytes are allowed",
		strings.Repeat("\u0958", 85): "the name is too long: 255 bytes are allowed", // longer when composed
	} {
		_, err := files.ParseName(in)
		if !fault.Is(err, fault.Invalid) || fault.Message(err) != words {
			t.Errorf("ParseName(%q) = %v, want %q", in, err, words)
		}
	}
}

func TestIdentity(t *testing.T) {
	job := files.Job{Account: "demo", ID: "J1"}
	file := func(name string) files.Entry {
		return files.Entry{Kind: files.KindFile, Job: job, Parent: "A", Name: name}
	}
	album := func(name string) files.Entry {
		return files.Entry{Kind: files.KindAlbum, Job: job, Parent: files.Root, Name: name}
	}
	section := func(name, section string) files.Entry {
		return files.Entry{Kind: files.KindSection, Job: job, Parent: "A", Name: name, Section: section}
	}
	for _, c := range []struct {
		a, b files.Entry
		same bool
	}{
		{file("J\u00fc.jpg"), file("Ju\u0308.jpg"), true},
		{file("x.jpg"), file("X.jpg"), false},
		{file("x.jpg"), file("x.jpg "), false},
		{album("Class 1"), album(" cLASS 1  "), true},
		{album("STRASSE"), album("Straße"), true},
		{album("\u00c4"), album("a\u0308"), true},
		{album("Class 1"), album("Class  1"), false},
		{album("group"), section("group", "group"), false},
		{section("Gruppe", "group"), section("GROUPS", "group"), true},
		{section("group", "group"), section("group", "individuals"), false},
	} {
		a, errA := c.a.Place()
		b, errB := c.b.Place()
		if errA != nil || errB != nil || (a.Subject() == b.Subject()) != c.same {
			t.Errorf("%q at %s %v, %q at %s %v; want same: %v", c.a.Name, a.Subject(), errA, c.b.Name, b.Subject(), errB, c.same)
		}
	}
	// The subject of an entry is for ever: a change of this would lose every tree.
	place, err := file("x.jpg").Place()
	if want := "filmgate.files.v1.demo.J1.f.A.hsu0n103tid711n5t3e0ao09aq"; err != nil || place.Subject() != want {
		t.Errorf("x.jpg stands at %s, %v; want %s", place.Subject(), err, want)
	}
}

func TestSectionOf(t *testing.T) {
	for name, want := range map[string]string{
		"group": "group", " GROUP ": "group", "Groups": "group", "gruppe": "group", "GRUPPEN": "group",
		"individuals": "individuals", "Individual": "individuals", "einzel": "individuals", " Einzelbilder": "individuals",
		"": "", "grp": "", "group 1": "", "Class 1": "",
	} {
		if got, ok := files.SectionOf(name, nil); got != want || ok != (want != "") {
			t.Errorf("SectionOf(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
	own := files.Aliases{"Klasse": files.SectionGroup, "nonsense": "elsewhere"}
	for name, want := range map[string]string{"KLASSE": "group", "group": "group", "individuals": "individuals", "Gruppe": "", "nonsense": ""} {
		if got, _ := files.SectionOf(name, own); got != want {
			t.Errorf("with own aliases SectionOf(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestTemporary(t *testing.T) {
	for name, want := range map[string]string{
		"x.jpg.filepart":         "x.jpg",
		"x.jpg.0a1b2c3D.partial": "x.jpg",
		".in.x.jpg":              "x.jpg",
		".x.jpg.a1B2c3":          "x.jpg",
		"x.jpg-123e4567-e89b-12d3-a456-426614174000": "x.jpg",
		"a b.PNG.filepart":                           "a b.PNG",
		"notes.txt.filepart":                         "notes.txt", // known to be refused only by its final name
		"x.jpg":                                      "",
		".filepart":                                  "",
		".in.":                                       "",
		"x.jpg.partial":                              "",
		"x.jpg.0a1b2c3.partial":                      "",
		".x.jpg.a1B2c":                               "",
		".photo.backup":                              "",
		"x-123e4567-e89b-12d3-a456-426614174000":     "",
		"x.jpg-123e4567-e89b-12d3-a456-42661417400": "",
	} {
		if got, ok := files.Temporary(name); got != want || ok != (want != "") {
			t.Errorf("Temporary(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
	if got, _ := files.Temporary(".x.cr3.a1B2c3", ".cr3"); got != "x.cr3" {
		t.Errorf("with own extensions: %q", got)
	}
}

func TestJunkAndAccepted(t *testing.T) {
	for name, want := range map[string]bool{
		".DS_Store": true, "._x.jpg": true, "THUMBS.DB": true, "desktop.ini": true, "~$x.docx": true, "@eaDir": true, "$RECYCLE.BIN": true, "Icon\r": true,
		"x.jpg": false, ".x.jpg": false, "Thumbs.jpg": false, "": false,
	} {
		if got := files.Junk(name); got != want {
			t.Errorf("Junk(%q) = %v", name, got)
		}
	}
	for name, want := range map[string]bool{
		"x.jpg": true, "x.JPEG": true, "x.y.Png": true, " .png": true,
		"x.gif": false, "x": false, ".jpg": false, "x.jpg.": false, "x.jpg ": false, "jpg": false, "": false,
	} {
		if got := files.Accepted(name, nil); got != want {
			t.Errorf("Accepted(%q) = %v", name, got)
		}
	}
	for _, extensions := range [][]string{{"gif"}, {".GIF"}} {
		if !files.Accepted("x.gif", extensions) || files.Accepted("x.jpg", extensions) {
			t.Errorf("extensions %v are not taken", extensions)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"x.jpg", "Ju\u0308", " ", "..", "a/b", "\xff", "\u0958", "🎓"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := files.ParseName(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("ParseName(%q) fails with %v", s, err)
			}
			return
		}
		if again, err := files.ParseName(string(n)); err != nil || again != n {
			t.Fatalf("ParseName(%q) = %q, parsed again %q, %v", s, n, again, err)
		}
		if len(n) > 255 || strings.ContainsAny(string(n), "/\x00") || !utf8.ValidString(string(n)) {
			t.Fatalf("ParseName(%q) = %q", s, n)
		}
		// A name and its identity are one: whatever is spelt equal stands at one place, and its subject is clean.
		album := files.Entry{Kind: files.KindAlbum, Job: files.Job{Account: "demo", ID: "J"}, Parent: files.Root, Name: s}
		place, err := album.Place()
		if err != nil {
			t.Fatal(err)
		}
		album.Name = " " + string(n) + " "
		if len(album.Name) <= 255 {
			if spaced, err := album.Place(); err != nil || spaced != place {
				t.Fatalf("%q stands at %v, %q at %v, %v", s, place, album.Name, spaced, err)
			}
		}
		if back, err := files.ParseSubject(place.Subject()); err != nil || back != place {
			t.Fatalf("%s is read as %v, %v", place.Subject(), back, err)
		}
		if strings.ContainsFunc(string(n), unicode.IsControl) || !norm.NFC.IsNormalString(string(n)) {
			t.Fatalf("ParseName(%q) = %q", s, n)
		}
		// One file, however it is composed; one album and one section, however they are written.
		for _, other := range []string{norm.NFC.String(s), norm.NFD.String(s)} {
			if o, err := files.ParseName(other); err == nil && files.NameHash(o) != files.NameHash(n) {
				t.Fatalf("%q and %q are two files", s, other)
			}
		}
		folded, err := files.ParseName(n.Folded())
		if err == nil && folded.Folded() != n.Folded() {
			t.Fatalf("%q folds to %q, and that to %q", n, n.Folded(), folded.Folded())
		}
		section, ok := files.SectionOf(s, nil)
		for _, other := range []string{" " + s, strings.ToUpper(s), n.Folded()} {
			o, err := files.ParseName(other)
			if again, is := files.SectionOf(other, nil); err == nil && o.Folded() == n.Folded() && (again != section || is != ok) {
				t.Fatalf("%q is section %q, %q is %q", s, section, other, again)
			}
		}
		if final, ok := files.Temporary(s); ok && (final == "" || len(final) >= len(s) || !strings.Contains(s, final)) {
			t.Fatalf("Temporary(%q) = %q", s, final)
		}
		if files.Junk(s) != files.Junk(strings.ToUpper(s)) && strings.EqualFold(strings.ToUpper(s), s) {
			t.Fatalf("%q is junk in one case only", s)
		}
	})
}
