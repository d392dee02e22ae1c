package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
)

//go:embed assets
var assetFiles embed.FS

// assets are the style sheet, the script and the icon. Their address names their content, so browsers keep them for good.
type assets map[string]asset

type asset struct {
	content []byte
	hash    string
}

func loadAssets() (assets, error) {
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, err
	}
	all := assets{}
	for _, file := range files {
		content, err := assetFiles.ReadFile(path.Join("assets", file.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		all[file.Name()] = asset{content, hex.EncodeToString(sum[:6])}
	}
	return all, nil
}

func (a assets) url(name string) (string, error) {
	file, ok := a[name]
	if !ok {
		return "", fmt.Errorf("no asset is called %q", name)
	}
	return "/assets/" + name + "?v=" + file.hash, nil
}

func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	file, ok := a[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == file.hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(file.content) // an error means that the browser went away
}
