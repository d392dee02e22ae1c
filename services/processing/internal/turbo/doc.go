// Package turbo decodes and encodes JPEGs as planes with libjpeg-turbo, in builds with the tag of that name. It is C: give it files of
// strangers only when jpegscale has found them sound, and leave to that what it does not like.
//
// A call cannot be stopped in the middle, and leaves nothing behind in C.
package turbo
