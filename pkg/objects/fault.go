package objects

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"filmgate.dev/pkg/fault"
)

// wrap gives what S3 or the network said a kind, and words for whoever waits.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	kind, words := meaning(err)
	return fault.Wrap(err, kind, "%s", words)
}

func meaning(err error) (fault.Kind, string) {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return unanswered(err)
	}
	switch answer.Code {
	case minio.NoSuchKey:
		return fault.NotFound, "there is no such object in the photo store"
	case minio.NoSuchUpload:
		return fault.NotFound, "the photo store no longer knows this upload"
	case minio.NoSuchBucket:
		return fault.Unavailable, "the photo store's bucket is missing"
	case "InvalidRange":
		return fault.Invalid, "the photo ends before the bytes that were asked for"
	case "EntityTooLarge", "KeyTooLongError", "MetadataTooLarge", "EntityTooSmall", "InvalidPart", "InvalidPartOrder":
		return fault.Invalid, "the photo store cannot take this"
	case "BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody":
		return fault.Unavailable, "the photo was damaged on its way to the photo store; send it again"
	case minio.AccessDenied, "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "ExpiredToken", "InvalidToken", "InvalidTokenId":
		// Our credentials are refused, not the sender's: whoever waits can only try later.
		return fault.Unavailable, "the photo store refuses this server"
	}
	if answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests || answer.Code == "SlowDown" {
		return fault.Unavailable, "the photo store has a problem; try again later"
	}
	return fault.Internal, "the photo store did not understand this server"
}

// unanswered is about errors that no S3 server sent.
func unanswered(err error) (fault.Kind, string) {
	var (
		network net.Error
		request *url.Error
		refused credentials.ErrorResponse
		token   *fs.PathError
	)
	switch {
	case errors.As(err, &refused), errors.As(err, &token): // the identity of this server, or the file that should say it
		return fault.Unavailable, "the photo store refuses this server"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fault.Unavailable, "the photo store did not answer in time; try again"
	case errors.As(err, &network), errors.As(err, &request):
		return fault.Unavailable, "the photo store cannot be reached; try again later"
	}
	return fault.Internal, "the photo store could not be used"
}
