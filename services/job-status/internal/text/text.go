// Package text keeps what people type short, clean and comparable.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"filmgate.dev/pkg/fault"
)

// maxName bounds names for people, in characters.
const maxName = 200

// Name checks a name for people and answers it in NFC without surrounding spaces. What says whose name it is.
func Name(what, s string) (string, error) {
	if len(s) > 4*maxName || !utf8.ValidString(s) {
		return "", fault.New(fault.Invalid, "%s must be text of at most %d characters", what, maxName)
	}
	s = strings.TrimSpace(norm.NFC.String(s))
	switch {
	case s == "":
		return "", fault.New(fault.Invalid, "%s is missing", what)
	case utf8.RuneCountInString(s) > maxName:
		return "", fault.New(fault.Invalid, "%s must have at most %d characters", what, maxName)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", fault.New(fault.Invalid, "%s must not contain control characters", what)
	}
	return s, nil
}

// Fold answers the form in which two spellings of the same name are equal.
func Fold(s string) string { return cases.Fold().String(norm.NFC.String(s)) }

// Clip shortens what a stranger sent, to be repeated in an answer or a record: at most 100 characters, none of control.
func Clip(s string) string { return ClipTo(s, 100) }

// ClipTo does the same with another length.
func ClipTo(s string, length int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > length {
			b.WriteString("…")
			break
		}
		if unicode.IsControl(r) || r == utf8.RuneError {
			r = '�'
		}
		b.WriteRune(r)
	}
	return b.String()
}
