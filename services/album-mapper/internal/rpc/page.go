package rpc

import (
	"encoding/base64"
	"encoding/json"

	"filmgate.dev/pkg/fault"
)

// position is where a page ends. It names what came last by its sort key, so that the next page goes on from there even
// when that was renamed or removed meanwhile.
type position struct {
	AlbumSort []byte `json:"a,omitempty"`
	AlbumID   string `json:"b,omitempty"`
	Section   int    `json:"s,omitempty"`
	PhotoSort []byte `json:"p,omitempty"`
	PhotoID   string `json:"q,omitempty"`
}

const longestToken = 4096

func (p position) token() (string, error) {
	data, err := json.Marshal(p)
	return base64.RawURLEncoding.EncodeToString(data), err
}

func parsePosition(token string) (position, error) {
	var p position
	if token == "" {
		return p, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil && len(token) <= longestToken {
		err = json.Unmarshal(data, &p)
	}
	if err != nil || len(token) > longestToken || p.AlbumID == "" {
		return position{}, fault.New(fault.Invalid, "the page token is not one of this list")
	}
	return p, nil
}

func pageSize(asked int32, usual, most int) (int, error) {
	switch {
	case asked < 0:
		return 0, fault.New(fault.Invalid, "the page size cannot be negative")
	case asked == 0:
		return usual, nil
	}
	return min(int(asked), most), nil
}
