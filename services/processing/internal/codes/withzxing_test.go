//go:build zxing && cgo

package codes_test

const withZXing = true
