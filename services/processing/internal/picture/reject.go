package picture

import (
	"fmt"

	"filmgate.dev/pkg/fault"
)

// Code says for programs why a file was refused. The set only grows.
type Code string

// The codes.
const (
	CodeEmpty       Code = "empty"
	CodeNotAnImage  Code = "not_an_image"
	CodeUnsupported Code = "unsupported"
	CodeTooLarge    Code = "too_large"
	CodeTruncated   Code = "truncated"
	// CodeTooLargeForSale is a photo that could be used, but that no shop can sell.
	CodeTooLargeForSale Code = "too_large_for_sale"
	CodeDamaged         Code = "damaged"
	CodeLost            Code = "lost"    // no longer in the bucket
	CodeAltered         Code = "altered" // the bucket holds other bytes than were received
	CodeFailed          Code = "failed"  // every attempt failed for reasons that are not the file's
)

// Rejection is why a file can never become a picture, in words that its photographer can act on.
type Rejection struct {
	Code    Code
	Message string
	Cause   error // for the log
}

// Error answers the code, the sentence and the cause.
func (r *Rejection) Error() string {
	if r.Cause != nil {
		return fmt.Sprintf("%s: %s (%v)", r.Code, r.Message, r.Cause)
	}
	return fmt.Sprintf("%s: %s", r.Code, r.Message)
}

// Unwrap answers the cause, as an error that is never right as given.
func (r *Rejection) Unwrap() error {
	return &fault.Error{Kind: fault.Invalid, Message: r.Message, Cause: r.Cause}
}

func reject(code Code, format string, args ...any) error {
	return &Rejection{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Truncated is the rejection of a file that ends before its picture does.
func Truncated(cause error) error {
	return &Rejection{CodeTruncated, "This file ends in the middle: it was probably cut off while it was copied from the card. Upload it again.", cause}
}

// Damaged is the rejection of a file whose picture cannot be decoded.
func Damaged(cause error) error {
	return &Rejection{CodeDamaged, "This file is damaged and cannot be opened as a picture. Copy it from the card again, or export it again, and upload it.", cause}
}

// Unsupported is the rejection of a kind of picture that is not handled; what ends the sentence "This file is …".
func Unsupported(what string, cause error) error {
	return &Rejection{CodeUnsupported, fmt.Sprintf("This file is %s, which cannot be used here. Export it as JPEG and upload that.", what), cause}
}
