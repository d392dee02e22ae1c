package page

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_940: "9.9 kB", 9_960: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB",
		5_812_334: "5.8 MB", 198_000_000: "198 MB", 2_500_000_000: "2.5 GB", 7_200_000_000_000: "7.2 TB", 7_200_000_000_000_000: "7200 TB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	if plural(1, "photo") != "1 photo" || plural(2, "photo") != "2 photos" {
		t.Error("one photo, two photos")
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "there is no such job": "There is no such job.", "Done!": "Done!", "ärgerlich": "Ärgerlich.", "\xff": "\uFFFD.",
	} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLocalPath(t *testing.T) {
	for _, good := range []string{"/jobs", "/jobs/1?show=problems&album=2", "/photos/a%20b"} {
		if got := localPath(good, "/x"); got != good {
			t.Errorf("localPath(%q) = %q", good, got)
		}
	}
	for _, bad := range []string{
		"", "jobs", "//evil.example", "///evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/a\r\nSet-Cookie: x", "\t//evil.example", "/\t/evil.example",
	} {
		if got := localPath(bad, "/x"); got != "/x" {
			t.Errorf("localPath(%q) = %q, want the fallback", bad, got)
		}
	}
}

func TestClientAddress(t *testing.T) {
	p := &Pages{Config: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"203.0.113.9:1234", "", "203.0.113.9"},
		{"203.0.113.9:1234", "198.51.100.1", "203.0.113.9"}, // a stranger may claim anything
		{"10.0.0.1:80", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:80", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"},
		{"10.0.0.1:80", "198.51.100.1, nonsense", "10.0.0.1"},
		{"10.0.0.1:80", "", "10.0.0.1"},
		{"[::1]:80", "198.51.100.1", "::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := p.clientAddress(r); got != c.want {
			t.Errorf("from %s for %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestPlaceholderColor(t *testing.T) {
	for in, want := range map[string]string{"": "", "!": "", "AAA=": "", "1QcSHQRnh493V4dIh4eXh1h4kJUI": "#565258"} {
		if got := placeholderColor(in); got != want {
			t.Errorf("placeholderColor(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStatusesLeadToEachOther(t *testing.T) {
	for _, words := range statuses {
		if len(words.next()) == 0 || words.Meaning == "" {
			t.Errorf("%s leads nowhere or means nothing", words.Label)
		}
		for _, next := range words.next() {
			if next.Key == "unknown" || next.Key == words.Key {
				t.Errorf("%s leads to %s", words.Label, next.Label)
			}
		}
	}
}
