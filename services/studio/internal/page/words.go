package page

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// size writes a number of bytes as people say it: "4.2 MB".
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), -1
	for value >= 999.5 && unit < 3 {
		value /= 1000
		unit++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %cB", value, "kMGT"[unit])
	}
	return fmt.Sprintf("%.0f %cB", value, "kMGT"[unit])
}

// count writes a number with thin spaces between thousands: "12 345".
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			out.WriteRune('\u202f')
		}
		out.WriteRune(d)
	}
	return out.String()
}

// plural counts things: "1 photo", "12 photos".
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}

// stamp is a moment for a <time> element, in UTC; the script shows it in the reader's own zone.
func stamp(t *timestamppb.Timestamp) string {
	if t == nil || t.AsTime().Unix() <= 0 {
		return ""
	}
	return t.AsTime().UTC().Format(time.RFC3339)
}

// day writes a moment for people, in UTC.
func day(t *timestamppb.Timestamp) string {
	if stamp(t) == "" {
		return "–"
	}
	return t.AsTime().UTC().Format("2 Jan 2006, 15:04")
}

// sentence makes a message look like one: errors begin small and end without a stop.
func sentence(message string) string {
	first, n := utf8.DecodeRuneInString(message)
	if n == 0 {
		return ""
	}
	message = string(unicode.ToUpper(first)) + message[n:]
	if !strings.ContainsAny(message[len(message)-1:], ".!?") {
		message += "."
	}
	return message
}

func parseQuery(query string) url.Values {
	values, err := url.ParseQuery(query)
	if err != nil {
		return url.Values{}
	}
	return values
}

// under reports whether the path lies below one of the roots.
func under(path string, roots ...string) bool {
	for _, root := range roots {
		if path == root || strings.HasPrefix(path, root+"/") {
			return true
		}
	}
	return false
}
