package engine

import (
	"fmt"

	"filmgate.dev/pkg/events"
	"filmgate.dev/services/processing/internal/exif"
	"filmgate.dev/services/processing/internal/icc"
	"filmgate.dev/services/processing/internal/picture"
)

func note(code, message string) events.Warning { return events.Warning{Code: code, Message: message} }

// describe says what the header knows about the picture.
func describe(in picture.Info) events.Image {
	w, h := in.Display()
	return events.Image{Width: in.Width, Height: in.Height, Orientation: in.Orientation, DisplayWidth: w, DisplayHeight: h}
}

// oddities are worth knowing about a usable picture.
func oddities(in picture.Info, end picture.End) []events.Warning {
	warnings := []events.Warning{}
	if end == picture.EndMissing {
		warnings = append(warnings, note("damaged_ending", "The end of this file is missing, though the picture itself seems complete. Look at it closely, and upload it again if it is not."))
	}
	const small = 1200
	if max(in.Width, in.Height) < small {
		warnings = append(warnings, note("low_resolution", fmt.Sprintf("This photo has only %d × %d pixels: enough for a screen, too little for prints.", in.Width, in.Height)))
	}
	return warnings
}

// colours answers the profile's name, the way to sRGB if one is needed, and what a person should know about it.
func colours(in picture.Info, facts exif.Facts) (string, *icc.Transform, []events.Warning) {
	if in.CMYK() {
		return "CMYK", nil, []events.Warning{note("cmyk", "This photo is stored in printing inks (CMYK). Its colours were translated and may differ a little. Export it as sRGB for exact colours.")}
	}
	if len(in.ICC) == 0 {
		switch {
		case facts.AdobeRGB:
			p := icc.AdobeRGB()
			return p.Description, p.ToSRGB(), []events.Warning{otherColours(p.Description)}
		case facts.Uncalibrated:
			return "sRGB", nil, []events.Warning{note("no_profile", "The camera says that the colours of this photo are not sRGB, but the file does not say what they are. They may look dull. Embed the colour profile when you export.")}
		}
		return "sRGB", nil, nil
	}
	profile, err := icc.Parse(in.ICC)
	if err != nil {
		name := "unknown"
		if profile != nil && profile.Description != "" {
			name = profile.Description
		}
		return name, nil, []events.Warning{note("profile_ignored", "The colour profile of this photo could not be used, so its colours may differ a little. Export it as sRGB for exact colours.")}
	}
	name := profile.Description
	if name == "" {
		name = "unnamed"
	}
	convert := profile.ToSRGB()
	if convert == nil || in.Components == 1 {
		return name, convert, nil
	}
	return name, convert, []events.Warning{otherColours(name)}
}

func otherColours(name string) events.Warning {
	return note("not_srgb", fmt.Sprintf("The colours of this photo are stored as %s. They were translated for screens; who prints the original must know that profile. Export it as sRGB to be sure.", name))
}
