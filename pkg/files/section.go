package files

import "maps"

// The sections, by their canonical words.
const (
	SectionGroup       = "group"
	SectionIndividuals = "individuals"
)

// Aliases are further spellings of the section folders: alias → canonical word. Nil means the default ones.
type Aliases map[string]string

// DefaultAliases are the spellings that are understood when nothing else is configured.
func DefaultAliases() Aliases {
	return Aliases{
		"groups": SectionGroup, "Gruppe": SectionGroup, "Gruppen": SectionGroup,
		"individual": SectionIndividuals, "Einzel": SectionIndividuals, "Einzelbilder": SectionIndividuals,
	}
}

// SectionOf answers the section that a folder of this name is, whatever its case, surrounding spaces and alias.
func SectionOf(name string, aliases Aliases) (section string, ok bool) {
	return aliases.folded().section(name)
}

func (a Aliases) folded() foldedAliases {
	if a == nil {
		a = DefaultAliases()
	}
	folded := foldedAliases{SectionGroup: SectionGroup, SectionIndividuals: SectionIndividuals}
	for alias, section := range maps.All(a) {
		if section == SectionGroup || section == SectionIndividuals {
			folded[fold(alias)] = section
		}
	}
	return folded
}

// foldedAliases are aliases by their identity form.
type foldedAliases map[string]string

func (f foldedAliases) section(name string) (string, bool) {
	section, ok := f[fold(name)]
	return section, ok
}
