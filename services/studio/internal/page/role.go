package page

import (
	"slices"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

type roleWords struct {
	Role    jobsv1.Role
	Key     string
	Label   string
	Meaning string
}

type rightWords struct{ Key, Label string }

var (
	roles = []roleWords{
		{jobsv1.Role_ROLE_UPLOAD_ONLY, "upload", "Photographer", "Uploads over SFTP. No web pages; files can be read back only with the right to download."},
		{jobsv1.Role_ROLE_INDIVIDUAL, "individual", "Individual rights", "Exactly the rights ticked below."},
		{jobsv1.Role_ROLE_ADMIN, "admin", "Administrator", "Everything in this studio."},
	}
	rights = []rightWords{
		{"jobs", "Create and change jobs"},
		{"photos", "Manage photos: rename, move, hide, remove"},
		{"users", "Manage users"},
		{"settings", "Change the studio's settings"},
		{"upload", "Upload over SFTP"},
		{"download", "Download originals"},
	}
)

func roleNamed(key string) jobsv1.Role {
	for _, words := range roles {
		if words.Key == key {
			return words.Role
		}
	}
	return jobsv1.Role_ROLE_UNSPECIFIED
}

func roleLabel(role jobsv1.Role) string {
	for _, words := range roles {
		if words.Role == role {
			return words.Label
		}
	}
	return "Unknown"
}

// knownRights keeps what the form offered.
func knownRights(keys []string) []string {
	var known []string
	for _, right := range rights {
		if slices.Contains(keys, right.Key) {
			known = append(known, right.Key)
		}
	}
	return known
}
