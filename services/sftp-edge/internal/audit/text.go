package audit

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText = 1 << 10 // bytes of an escaped text
	maxPath = 200     // bytes of a path in a detail, so that job-status' 500 characters keep the words behind it
)

// Detail puts a path and what is said of it into one line. Of a long path the ends remain: the job and the file.
func Detail(path, words string) string {
	path = strings.TrimPrefix(path, "/")
	if len(path) > maxPath {
		path = strings.ToValidUTF8(path[:maxPath/2], "") + "…" + strings.ToValidUTF8(path[len(path)-maxPath/2:], "")
	}
	return path + ": " + words
}

// escape makes what a client typed harmless on a terminal and in a log, and keeps it short.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		piece := string(r)
		if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			piece = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if b.Len()+len(piece) > maxText {
			b.WriteString("…")
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}
