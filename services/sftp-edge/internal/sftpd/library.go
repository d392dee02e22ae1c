package sftpd

import (
	"sync"

	"github.com/pkg/sftp"
)

// libraryOnce guards what the library lets nobody set but for the whole process.
var libraryOnce sync.Once

// page is how many names one reply to READDIR has: 250 of 255 bytes each, twice with their attributes, are 150 KiB of the
// 256 that a packet may have.
const page = 250

func library() {
	sftp.MaxFilelist = page
}
