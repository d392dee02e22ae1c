package files

import (
	"regexp"
	"slices"
	"strings"
)

// How clients call a file that they have not finished (CLIENTS R23). The first group is the final name.
var (
	winscp    = regexp.MustCompile(`^(.+)\.filepart$`)
	rclone    = regexp.MustCompile(`^(.+)\.[0-9A-Fa-f]{8}\.partial$`)
	lftp      = regexp.MustCompile(`^\.in\.(.+)$`)
	rsync     = regexp.MustCompile(`^\.(.+)\.[0-9A-Za-z]{6}$`)
	cyberduck = regexp.MustCompile(`^(.+)-[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// Temporary answers the final name behind a client's temporary one. Whether that is accepted is the caller's question,
// except where only the extension tells a temporary name from an ordinary one; no extensions mean the default ones.
func Temporary(name string, extensions ...string) (final string, ok bool) {
	for _, sure := range []*regexp.Regexp{winscp, rclone, lftp} {
		if m := sure.FindStringSubmatch(name); m != nil {
			return m[1], true
		}
	}
	if m := cyberduck.FindStringSubmatch(name); m != nil && Accepted(m[1], extensions) {
		return m[1], true
	}
	if m := rsync.FindStringSubmatch(name); m != nil && Accepted(m[1], extensions) {
		return m[1], true
	}
	return "", false
}

// Junk reports whether a computer left a file or folder of this name behind: it is accepted and dropped.
func Junk(name string) bool {
	if strings.HasPrefix(name, "._") || strings.HasPrefix(name, "~$") {
		return true
	}
	return slices.ContainsFunc(junk[:], func(j string) bool { return strings.EqualFold(j, name) })
}

var junk = [...]string{
	".DS_Store", ".AppleDouble", ".Spotlight-V100", ".Trashes", ".fseventsd", ".TemporaryItems", ".DocumentRevisions-V100",
	".apdisk", ".VolumeIcon.icns", "Icon\r", "__MACOSX",
	"Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",
	"@eaDir", "#recycle",
}
