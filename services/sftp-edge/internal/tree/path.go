// Package tree reads the paths that clients type: what a place in a job's folders means, and, in words, why something
// cannot stand there.
package tree

import (
	"slices"
	"strings"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// The depths of the folder tree: how many names a path has.
const (
	Root    = 0
	Job     = 1
	Album   = 2 // directly in a job: albums only
	Inner   = 3 // directly in an album: photos, and the sections' folders
	Section = 4 // directly in a section: photos only
)

// Path is a checked place below "/".
type Path struct {
	names []files.Name
	junk  bool
}

// maxPath bounds a path in bytes: four names, however they are composed, and not what fits into a packet.
const maxPath = 4 << 10

// Parse checks an absolute, cleaned path. Below a name that a computer left behind everything is junk.
func Parse(s string) (Path, error) {
	var p Path
	if len(s) > maxPath {
		return p, fault.New(fault.Invalid, "the path is too long")
	}
	for name := range strings.SplitSeq(strings.Trim(s, "/"), "/") {
		if name == "" {
			continue
		}
		if files.Junk(name) {
			p.junk = true
		}
		n, err := files.ParseName(name)
		if err != nil && !p.junk { // macOS leaves "Icon\r"
			return Path{}, err
		}
		p.names = append(p.names, n)
	}
	return p, nil
}

// Junk reports whether the path is, or lies in, something that a computer left behind.
func (p Path) Junk() bool { return p.junk }

// Depth answers the number of names.
func (p Path) Depth() int { return len(p.names) }

// Name answers the last name, "" for the root.
func (p Path) Name() string { return p.at(len(p.names)) }

// Job answers the first name: the job's folder.
func (p Path) Job() string { return p.at(Job) }

// Album answers the second name.
func (p Path) Album() string { return p.at(Album) }

func (p Path) at(depth int) string {
	if depth < 1 || depth > len(p.names) {
		return ""
	}
	return string(p.names[depth-1])
}

// Folder answers the path of the folder that p stands in.
func (p Path) Folder() Path { return Path{names: p.names[:max(0, len(p.names)-1)], junk: p.junk} }

// String answers the path as the client spelt it, composed.
func (p Path) String() string {
	var b strings.Builder
	for _, n := range p.names {
		b.WriteByte('/')
		b.WriteString(string(n))
	}
	return b.String()
}

// Rules are what may stand where.
type Rules struct {
	Aliases    files.Aliases
	Extensions []string
}

// Key answers a form of the path that is equal for all spellings of one place.
func (r Rules) Key(p Path) string {
	names := make([]string, len(p.names))
	for i := range p.names {
		names[i] = string(p.names[i])
		switch i + 1 {
		case Job:
			names[i] = strings.ToLower(names[i])
		case Album:
			names[i] = p.names[i].Folded()
		case Inner:
			if section, ok := r.section(p); ok {
				names[i] = section
			}
		}
	}
	return strings.Join(names, "/")
}

// section answers the section that the third name is.
func (r Rules) section(p Path) (string, bool) { return files.SectionOf(p.at(Inner), r.Aliases) }

// FolderLike reports whether a folder, and no photo, may stand at the path.
func (r Rules) FolderLike(p Path) bool {
	_, section := r.section(p)
	return p.Depth() <= Album || p.Depth() == Inner && section
}

// Temporary answers the final name behind a client's temporary one.
func (r Rules) Temporary(name string) (string, bool) { return files.Temporary(name, r.Extensions...) }

// CheckFile says in words why no photo can be put at the path.
func (r Rules) CheckFile(p Path) error {
	switch p.Depth() {
	case Root:
		return fault.New(fault.Denied, "this is a folder")
	case Job:
		return fault.New(fault.Denied, "nothing can be put here: open a job, then an album folder, e.g. JOB00001/Class 1/")
	case Album:
		return fault.New(fault.Denied, "put photos into an album folder, e.g. %s/Class 1/", p.Job())
	case Inner:
		if _, ok := r.section(p); ok {
			return fault.New(fault.Denied, "%q is the name of a folder; put photos into it", p.Name())
		}
	case Section:
		if _, ok := r.section(p); !ok {
			return onlySections(p)
		}
	default:
		return tooDeep(p)
	}
	name := p.Name()
	if final, ok := r.Temporary(name); ok {
		name = final
	}
	if !files.Accepted(name, r.Extensions) {
		return fault.New(fault.Invalid, "%q is not accepted: photos end in %s", name, r.extensions())
	}
	return nil
}

// CheckFolder says in words why no folder can be made at the path.
func (r Rules) CheckFolder(p Path) error {
	switch p.Depth() {
	case Root, Job:
		return fault.New(fault.Denied, "jobs are made by the studio: nothing can be made, renamed or removed here")
	case Album:
		if _, ok := files.SectionOf(p.Name(), r.Aliases); ok {
			return fault.New(fault.Denied, "create an album folder first, e.g. %s/Class 1/%s", p.Job(), p.Name())
		}
		return nil
	case Inner:
		if _, ok := r.section(p); !ok {
			return onlySections(p)
		}
		return nil
	default:
		return tooDeep(p)
	}
}

func onlySections(p Path) error {
	return fault.New(fault.Denied, "an album holds photos and only the folders %q and %q; make %q directly in %s as an album of its own",
		files.SectionGroup, files.SectionIndividuals, p.at(Inner), p.Job())
}

func tooDeep(p Path) error {
	return fault.New(fault.Denied, "there are no folders below %q and %q: put photos directly into %s/%s/%s/",
		files.SectionGroup, files.SectionIndividuals, p.Job(), p.Album(), files.SectionIndividuals)
}

func (r Rules) extensions() string {
	list := slices.Clone(r.Extensions)
	if len(list) == 0 {
		list = files.DefaultExtensions()
	}
	for i, e := range list {
		list[i] = "." + strings.TrimPrefix(e, ".")
	}
	if len(list) == 1 {
		return list[0]
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}
