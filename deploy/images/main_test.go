package main

import (
	"context"
	"io"
	"strings"
	"testing"
)

func TestBadInputIsRefusedInWords(t *testing.T) {
	empty := t.TempDir()
	for _, bad := range []struct{ args, epoch, want string }{
		{"", "", "say build, or push and where to"},
		{"paint", "", "say build, or push and where to"},
		{"push", "", "say build, or push and where to"},
		{"build -only studio,darkroom", "", `there is no service "darkroom"; there are sftp-edge, job-status`},
		{"build -version v1+2", "", `"v1+2" cannot be a version`},
		{"build -version v1 -platforms linux/riscv64", "0", `"linux/riscv64" is not built for; there are linux/amd64 and linux/arm64`},
		{"build -version v1", "yesterday", `SOURCE_DATE_EPOCH is "yesterday"; say the seconds since 1970`},
		{"build -checkout " + empty, "", "no version: give -version, or build from a git checkout"},
		{"build -version v1 -checkout " + empty, "", "no date: set SOURCE_DATE_EPOCH, or build from a git checkout"},
		{"build -version v1 -only studio -checkout " + empty, "0", "building studio for linux/amd64"},
		{"push -only studio -out " + empty + " 127.0.0.1:1/x", "", "studio was not built"},
	} {
		t.Setenv("SOURCE_DATE_EPOCH", bad.epoch)
		err := run(context.Background(), strings.Fields(bad.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("images %s: %v\nwant it to say: %s", bad.args, err, bad.want)
		}
	}
}
