package processing

import (
	"fmt"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/processing/internal/picture"
)

// Sale is what shops can sell. A photo that is larger is used with a warning, or not at all.
type Sale struct {
	Edge       int    `env:"FILMGATE_PROCESSING_SALE_EDGE" default:"7500" help:"pixels of the longest edge that shops can sell"`
	Megapixels int    `env:"FILMGATE_PROCESSING_SALE_MEGAPIXELS" default:"60" help:"megapixels that shops can sell"`
	Larger     string `env:"FILMGATE_PROCESSING_SALE_LARGER" default:"warn" help:"what becomes of larger photos: warn or reject"`
}

// Check answers what is wrong with the settings.
func (s Sale) Check() error {
	switch {
	case s.Edge < 0 || s.Megapixels < 0:
		return fault.New(fault.Invalid, "FILMGATE_PROCESSING_SALE_EDGE and FILMGATE_PROCESSING_SALE_MEGAPIXELS cannot be less than 0")
	case s.Larger != "" && s.Larger != "warn" && s.Larger != "reject":
		return fault.New(fault.Invalid, "FILMGATE_PROCESSING_SALE_LARGER: %q is neither warn nor reject", s.Larger)
	}
	return nil
}

// judge answers a warning, or a *picture.Rejection, for a photo that is larger than shops can sell. A limit of 0 is none.
func (s Sale) judge(info picture.Info) ([]events.Warning, error) {
	long, pixels := max(info.Width, info.Height), float64(info.Width)*float64(info.Height)
	if (s.Edge == 0 || long <= s.Edge) && (s.Megapixels == 0 || pixels <= float64(s.Megapixels)*1e6) {
		return nil, nil
	}
	have := fmt.Sprintf("This photo has %d × %d pixels (%.0f megapixels)", info.Width, info.Height, pixels/1e6)
	most := fmt.Sprintf("Shops can sell photos of up to %d pixels on the longest edge and %d megapixels. Export it smaller and upload it again.", s.Edge, s.Megapixels)
	if s.Larger == "reject" {
		return nil, &picture.Rejection{Code: picture.CodeTooLargeForSale, Message: have + ". " + most}
	}
	return []events.Warning{{Code: string(picture.CodeTooLargeForSale), Message: have + ", more than can be sold. " + most}}, nil
}
