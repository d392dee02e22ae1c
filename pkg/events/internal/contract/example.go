package main

import (
	"fmt"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/events/eventstest"
)

// exampleFiles are one event of each type and minor version: ours for as long as we must still read them, and copies of
// the public ones for the SDK's tests.
func exampleFiles() ([]file, error) {
	var files []file
	for _, k := range events.Kinds() {
		env, err := eventstest.Sample(k.Type)
		if err != nil {
			return nil, err
		}
		content, err := pretty(env)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: fmt.Sprintf("testdata/v1/%s.1.%d.json", k.Type, k.Minor), content: content, immutable: true})
		if k.Public {
			files = append(files, file{name: fmt.Sprintf("../photoevents/photoeventstest/events/%s.json", k.Type), content: content})
		}
	}
	return files, nil
}
