package tree

import (
	"strings"
	"testing"

	"filmgate.dev/pkg/fault"
)

func TestCheckFile(t *testing.T) {
	for path, words := range map[string]string{
		"/JOB1/Class 1/x.jpg":                    "",
		"/JOB1/Class 1/X.JPEG":                   "",
		"/JOB1/Class 1/group/x.png":              "",
		"/JOB1/Class 1/ Gruppe /x.png":           "",
		"/JOB1/Class 1/individuals/ümläut's.jpg": "",
		"/JOB1/Class 1/x.jpg.filepart":           "",
		"/JOB1/Class 1/.in.x.jpg":                "",
		"/":                                      "this is a folder",
		"/x.jpg":                                 "open a job, then an album folder",
		"/JOB1/x.jpg":                            "put photos into an album folder, e.g. JOB1/Class 1/",
		"/JOB1/Class 1/group":                    "is the name of a folder",
		"/JOB1/Class 1/Teachers/x.jpg":           `only the folders "group" and "individuals"`,
		"/JOB1/Class 1/group/more/x.jpg":         "put photos directly into JOB1/Class 1/individuals/",
		"/JOB1/Class 1/x.txt":                    "photos end in .jpg, .jpeg or .png",
		"/JOB1/Class 1/x.txt.filepart":           `"x.txt" is not accepted`,
		"/JOB1/Class 1/.jpg":                     "is not accepted",
	} {
		check(t, path, Rules{}.CheckFile, words)
	}
}

// A session remembers the junk that it was sent, by path: a packet may hold a path of 256 KiB.
func TestPathsHaveAnEnd(t *testing.T) {
	for _, name := range []string{"/x", "/._x", "//"} {
		if _, err := Parse("/JOB1/Class 1/._x" + strings.Repeat(name, 5000)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q again and again: %v", name, err)
		}
	}
	if _, err := Parse("/JOB1/" + strings.Repeat("ü", 127) + "/individuals/" + strings.Repeat("x", 251) + ".jpg"); err != nil {
		t.Error(err)
	}
}

func TestCheckFolder(t *testing.T) {
	for path, words := range map[string]string{
		"/JOB1/Class 1":             "",
		"/JOB1/Class 1/group":       "",
		"/JOB1/Class 1/Individuals": "",
		"/JOB1/Class 1/Einzel":      "",
		"/":                         "nothing can be made, renamed or removed here",
		"/JOB2":                     "nothing can be made, renamed or removed here",
		"/JOB1/Group":               "create an album folder first, e.g. JOB1/Class 1/Group",
		"/JOB1/Gruppen":             "create an album folder first",
		"/JOB1/Class 1/Teachers":    `make "Teachers" directly in JOB1 as an album of its own`,
		"/JOB1/Class 1/group/more":  "no folders below",
	} {
		check(t, path, Rules{}.CheckFolder, words)
	}
}

func check(t *testing.T, path string, rule func(Path) error, words string) {
	t.Helper()
	p, err := Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	err = rule(p)
	if (err == nil) != (words == "") || err != nil && !strings.Contains(fault.Message(err), words) {
		t.Errorf("%s: %v", path, err)
	}
}

func TestR27_Names(t *testing.T) {
	for _, bad := range []string{"/JOB1/a\x00b", "/JOB1/a\nb", "/JOB1/\x7f", "/JOB1/" + strings.Repeat("x", 256), "/JOB1/\xff"} {
		if _, err := Parse(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	nfd, _ := Parse("/JOB1/Klasse\u0301/a\u0308.jpg")
	nfc, _ := Parse("/JOB1/Klass\u00e9/\u00e4.jpg")
	if nfd.String() != nfc.String() {
		t.Errorf("%q and %q", nfd, nfc)
	}
}

func TestKey(t *testing.T) {
	key := func(s string) string {
		p, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return Rules{}.Key(p)
	}
	if key("/job1/class 1/Gruppe/A.jpg") != key("/JOB1/Class 1/group/A.jpg") {
		t.Error("spellings of one place differ")
	}
	if key("/JOB1/ Class 1 /A.jpg") != key("/JOB1/class 1/A.jpg") || key("/JOB1/STRASSE/A.jpg") != key("/JOB1/Stra\u00dfe/A.jpg") {
		t.Error("what is one album in the log is two places here")
	}
	if key("/JOB1/Class 1/A.jpg") == key("/JOB1/Class 1/a.jpg") {
		t.Error("R28: files that differ in case coexist")
	}
}

func TestR29_Junk(t *testing.T) {
	for path, want := range map[string]bool{
		"/JOB1/Class 1/.DS_Store":       true,
		"/JOB1/Class 1/._x.jpg":         true,
		"/JOB1/__MACOSX/a/b/c/d/x.jpg":  true,
		"/JOB1/Class 1/@eaDir":          true,
		"/JOB1/Class 1/x.jpg":           false,
		"/JOB1/Class 1/Thumbs.db":       true,
		"/.Trashes":                     true,
		"/JOB1/Class 1/Icon\r":          true,
		"/JOB1/Class 1/group/x.jpg.tmp": false,
	} {
		p, err := Parse(path)
		if err != nil || p.Junk() != want {
			t.Errorf("%q: %v, %v", path, p.Junk(), err)
		}
	}
}
