// Package version says which build of Filmgate a program is.
package version

import "runtime/debug"

// version is stamped by the build: -ldflags "-X filmgate.dev/pkg/version.version=v1.2.3".
var version string

// unknown is the version of a program whose build left no trace in it.
const unknown = "devel"

// String answers the stamped version, or what the Go toolchain recorded: the commit, with "-modified" when the files were
// not those of the commit.
func String() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	return recorded(info)
}

func recorded(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	switch {
	case revision == "" && (info.Main.Version == "" || info.Main.Version == "(devel)"):
		return unknown
	case revision == "":
		return info.Main.Version
	case settings["vcs.modified"] == "true":
		return short(revision) + "-modified"
	}
	return short(revision)
}

func short(revision string) string { return revision[:min(12, len(revision))] }
