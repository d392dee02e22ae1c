// Package schema holds the JSON Schemas of every event, for programs that check or publish them.
//
// A file is named by type and version, photo.ingested/1.0.json, and never changes once it is released: an addition is a
// new minor version beside it.
package schema

import "embed"

// Files are the schemas. Their $id is https://filmgate.dev/schema/ and the name of the file.
//
//go:embed */*.json
var Files embed.FS
