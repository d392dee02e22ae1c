// Package account is the studio: the tenant to whom users and jobs belong.
package account

import (
	"regexp"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/text"
)

// Account is one studio.
type Account struct {
	Slug      string
	Name      string
	CreatedAt time.Time
}

var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// New makes an account; an empty name becomes the slug.
func New(slug, name string, at time.Time) (Account, error) {
	if !slugForm.MatchString(slug) {
		return Account{}, fault.New(fault.Invalid, "%q cannot name an account: use up to 63 small letters, digits and hyphens, such as studio-berg", text.Clip(slug))
	}
	if name == "" {
		name = slug
	}
	name, err := text.Name("the name of an account", name)
	return Account{Slug: slug, Name: name, CreatedAt: at}, err
}
