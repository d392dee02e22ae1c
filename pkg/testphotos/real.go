package testphotos

import (
	"embed"
	"io/fs"
)

//go:embed testdata/*.jpg
var files embed.FS

// Real answers real photographs by file name, scaled down. Their authors and licences are in testdata/ATTRIBUTION.md.
func Real() map[string][]byte {
	entries, err := fs.ReadDir(files, "testdata")
	if err != nil {
		panic("testphotos: " + err.Error()) // they are part of the binary
	}
	photos := make(map[string][]byte, len(entries))
	for _, entry := range entries {
		photos[entry.Name()], err = files.ReadFile("testdata/" + entry.Name())
		if err != nil {
			panic("testphotos: " + err.Error())
		}
	}
	return photos
}
