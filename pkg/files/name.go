package files

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"filmgate.dev/pkg/fault"
)

// maxNameBytes is what file systems hold, so that a job can be copied to one.
const maxNameBytes = 255

// Name is one component of a path as it is shown: checked, and in Unicode's composed form (NFC), so that a Mac's and a
// PC's spelling are one name.
type Name string

// ParseName checks what a client calls a file or folder. After it nobody re-checks.
func ParseName(s string) (Name, error) {
	switch {
	case len(s) > maxNameBytes:
		return "", fault.New(fault.Invalid, "the name is too long: %d bytes are allowed", maxNameBytes)
	case !utf8.ValidString(s):
		return "", fault.New(fault.Invalid, "the name is not valid UTF-8")
	case strings.TrimSpace(s) == "":
		return "", fault.New(fault.Invalid, "the name is empty")
	case s == "." || s == "..":
		return "", fault.New(fault.Invalid, "%q is not a name", s)
	case strings.Contains(s, "/"):
		return "", fault.New(fault.Invalid, "a name cannot contain a slash")
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", fault.New(fault.Invalid, "the name contains a control character")
	}
	composed := norm.NFC.String(s)
	if len(composed) > maxNameBytes { // a few characters grow when composed
		return "", fault.New(fault.Invalid, "the name is too long: %d bytes are allowed", maxNameBytes)
	}
	return Name(composed), nil
}

// file answers the identity form of a file's name: the name itself. Files keep case.
func (n Name) file() string { return string(n) }

// Folded answers the identity form of an album's name: albums match whatever their case and surrounding spaces.
func (n Name) Folded() string { return fold(string(n)) }

func fold(s string) string {
	// Folding can take a name out of composed form.
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(strings.TrimSpace(s))))
}

// DefaultExtensions are the photos that are accepted when nothing else is configured.
func DefaultExtensions() []string { return []string{".jpg", ".jpeg", ".png"} }

// Accepted reports whether a file of this name may be uploaded. No extensions mean the default ones; they are given with
// or without their dot, in any case.
func Accepted(name string, extensions []string) bool {
	if len(extensions) == 0 {
		extensions = DefaultExtensions()
	}
	ext := path.Ext(name)
	if len(ext) < 2 || len(ext) == len(name) { // no extension, or nothing before it
		return false
	}
	for _, e := range extensions {
		if strings.EqualFold(strings.TrimPrefix(e, "."), ext[1:]) {
			return true
		}
	}
	return false
}
