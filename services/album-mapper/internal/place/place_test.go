package place

import (
	"testing"

	"filmgate.dev/pkg/files"
)

func TestStand(t *testing.T) {
	landed := func(subject, id string, seq int64) Claim {
		return Claim{Subject: subject, ID: id, Upload: "u" + id, State: files.StateLanded, Fence: Fence{Sequence: seq}}
	}
	left := func(subject, id, to string, seq int64) Claim {
		return Claim{Subject: subject, ID: id, Upload: "u" + id, State: files.StateGone, MovedTo: to, Fence: Fence{Sequence: seq}}
	}
	removed := func(subject, id string, seq int64) Claim {
		return Claim{Subject: subject, ID: id, State: files.StateGone, Fence: Fence{Sequence: seq}}
	}
	merged := landed("b", "q", 2)
	merged.Upload = "up"
	newEpoch := landed("a", "q", 1)
	newEpoch.Fence.Epoch = 1

	for name, test := range map[string]struct {
		own  Claim
		held []Claim
		want State
	}{
		"at its path":                         {landed("a", "p", 1), []Claim{landed("a", "p", 1)}, Here},
		"removed":                             {removed("a", "p", 2), []Claim{removed("a", "p", 2)}, Gone},
		"removed, path reused":                {removed("a", "p", 2), []Claim{landed("a", "q", 3)}, Gone},
		"lost its path":                       {landed("a", "p", 1), []Claim{landed("a", "q", 3)}, Gone},
		"lost its path to one that left":      {landed("a", "p", 1), []Claim{left("a", "q", "c", 3)}, Gone},
		"lost its path in a later epoch":      {landed("a", "p", 9), []Claim{newEpoch}, Gone},
		"removed on the way":                  {landed("a", "p", 1), []Claim{left("a", "p", "b", 3), removed("b", "p", 4)}, Gone},
		"on its way":                          {landed("a", "p", 1), []Claim{left("a", "p", "b", 3)}, Here},
		"on its way to a path once another's": {landed("a", "p", 2), []Claim{left("a", "p", "b", 4), removed("b", "q", 1)}, Here},
		"lost on the way":                     {landed("a", "p", 1), []Claim{left("a", "p", "b", 3), landed("b", "q", 5)}, Gone},
		"lost on the second way": {landed("a", "p", 1),
			[]Claim{left("a", "p", "b", 3), left("b", "p", "c", 5), landed("c", "q", 7)}, Gone},
		"on the second way":        {landed("a", "p", 1), []Claim{left("a", "p", "b", 3), left("b", "p", "c", 5)}, Here},
		"became another's version": {landed("a", "p", 1), []Claim{left("a", "p", "b", 3), merged}, Gone},
		"back and forth": {landed("a", "p", 1),
			[]Claim{left("a", "p", "b", 3), left("b", "p", "a", 5)}, Here},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Stand(test.own, func(subject string) (Claim, bool, error) {
				for _, c := range test.held {
					if c.Subject == subject {
						return c, true, nil
					}
				}
				return Claim{}, false, nil
			})
			if err != nil || got.State != test.want {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}
