package engine

import (
	"testing"

	"filmgate.dev/services/processing/internal/exif"
	"filmgate.dev/services/processing/internal/picture"
)

// Cameras that shoot Adobe RGB often embed no profile; they only say so in their EXIF.
func TestColoursThatTheCameraOnlyNames(t *testing.T) {
	for _, c := range []struct {
		facts   exif.Facts
		profile string
		convert bool
		warning string
	}{
		{exif.Facts{}, "sRGB", false, ""},
		{exif.Facts{Uncalibrated: true, AdobeRGB: true}, "Adobe RGB (1998)", true, "not_srgb"},
		{exif.Facts{Uncalibrated: true}, "sRGB", false, "no_profile"},
	} {
		profile, convert, warnings := colours(picture.Info{Format: picture.JPEG, Components: 3}, c.facts)
		warning := ""
		if len(warnings) > 0 {
			warning = warnings[0].Code
		}
		if profile != c.profile || (convert != nil) != c.convert || warning != c.warning {
			t.Errorf("%+v: %q, converted %v, warning %q", c.facts, profile, convert != nil, warning)
		}
	}
}
