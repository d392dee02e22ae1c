package files

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"

	"filmgate.dev/pkg/fault"
)

// Stream is the JetStream stream that holds the log; Subjects are all its subjects.
const (
	Stream   = "FILES"
	Subjects = prefix + ">"
	prefix   = "filmgate.files.v1."
)

// hashChars of the 52 are enough: 130 bits.
const hashChars = 26

var (
	token    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	nameHash = regexp.MustCompile(`^[0-9a-v]{26}$`)
)

// hash answers the token that stands for a name in a subject: no user text is ever part of one.
func hash(identity string) string {
	sum := sha256.Sum256([]byte(identity))
	return strings.ToLower(base32.HexEncoding.EncodeToString(sum[:])[:hashChars])
}

// NameHash answers the token for a file's name, as used in subjects and in upload records.
func NameHash(name Name) string { return hash(name.file()) }

// Place is where an entry stands: what its subject says.
type Place struct {
	Job    Job
	Folder bool // a folder stands here, or a file
	Parent string
	Hash   string
}

// Subject answers the place's subject. Its tokens were checked when the place was made.
func (p Place) Subject() string {
	return p.Job.prefix() + letter(p.Folder) + "." + p.Parent + "." + p.Hash
}

func letter(folder bool) string {
	if folder {
		return "d"
	}
	return "f"
}

// ParseSubject is the reverse of Place.Subject.
func ParseSubject(subject string) (Place, error) {
	rest, ok := strings.CutPrefix(subject, prefix)
	tokens := strings.Split(rest, ".")
	if !ok || len(tokens) != 5 || (tokens[2] != "d" && tokens[2] != "f") || !nameHash.MatchString(tokens[4]) {
		return Place{}, fault.New(fault.Invalid, "%.200q is not a subject of the files log", subject)
	}
	p := Place{Job: Job{Account: tokens[0], ID: tokens[1]}, Folder: tokens[2] == "d", Parent: tokens[3], Hash: tokens[4]}
	if err := p.Job.check(); err != nil {
		return Place{}, err
	}
	return p, checkToken("folder id", p.Parent)
}

// prefix is what the subjects of the job's entries begin with.
func (j Job) prefix() string { return prefix + j.Account + "." + j.ID + "." }

func (j Job) check() error {
	if err := checkToken("account", j.Account); err != nil {
		return err
	}
	return checkToken("job id", j.ID)
}

// checkToken keeps wildcards and dots out of subjects: the client library would publish to "a.*" and ">" as they are.
func checkToken(what, s string) error {
	if !token.MatchString(s) {
		return fault.New(fault.Invalid, "%.100q cannot be a %s", s, what)
	}
	return nil
}

// placeOfFile answers where a file of that name stands.
func placeOfFile(job Job, folder, name string) (Place, error) {
	n, err := ParseName(name)
	if err != nil {
		return Place{}, err
	}
	return newPlace(job, false, folder, n.file())
}

// placeOfFolder answers where a folder of that name stands: an album at the top of a job, a section below it.
func placeOfFolder(job Job, parent, name string, aliases foldedAliases) (Place, error) {
	n, err := ParseName(name)
	if err != nil {
		return Place{}, err
	}
	if parent == Root {
		return newPlace(job, true, Root, n.Folded())
	}
	section, ok := aliases.section(name)
	if !ok {
		return Place{}, fault.New(fault.NotFound, "an album holds only the folders %q and %q", SectionGroup, SectionIndividuals)
	}
	return newPlace(job, true, parent, section)
}

func newPlace(job Job, folder bool, parent, identity string) (Place, error) {
	if err := job.check(); err != nil {
		return Place{}, err
	}
	if err := checkToken("folder id", parent); err != nil {
		return Place{}, err
	}
	return Place{Job: job, Folder: folder, Parent: parent, Hash: hash(identity)}, nil
}

// Place answers where the entry stands, by what it says of itself.
func (e Entry) Place() (Place, error) {
	n, err := ParseName(e.Name)
	if err != nil {
		return Place{}, err
	}
	identity := n.file()
	switch e.Kind {
	case KindAlbum:
		identity = n.Folded()
	case KindSection:
		identity = e.Section
	}
	return newPlace(e.Job, e.Folder(), e.Parent, identity)
}
