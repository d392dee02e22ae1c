// Package objects keeps photos, and what is made from them, in an S3 bucket.
//
// Objects are immutable and their keys are opaque; each travels with its CRC32C, so that the server refuses what was damaged
// on the way. Errors are of package fault, in words that a photographer may see.
package objects

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"filmgate.dev/pkg/fault"
)

const (
	maxRetries = 3
	// idleConnections is above the number of parts and derivatives that one process moves at a time.
	idleConnections = 128
	headerChecksum  = "X-Amz-Checksum-Crc32c"
)

// Config says where the bucket is.
type Config struct {
	Endpoint  string `env:"FILMGATE_S3_ENDPOINT" required:"true" help:"the S3 server, host:port"`
	AccessKey string `env:"FILMGATE_S3_ACCESS_KEY" help:"S3 access key; empty: the process's identity is changed for keys that hold for an hour"`
	SecretKey string `env:"FILMGATE_S3_SECRET_KEY" help:"S3 secret key"`
	TokenFile string `env:"AWS_WEB_IDENTITY_TOKEN_FILE" help:"without an access key: a token that says who this process is, read anew each time"`
	Role      string `env:"AWS_ROLE_ARN" help:"the role that is taken with that token"`
	Session   string `env:"AWS_ROLE_SESSION_NAME" help:"how the S3 server's own log calls this process; empty: a number"`
	STS       string `env:"FILMGATE_S3_STS_URL" help:"where the token is changed for keys; empty: AWS' own service of the region"`
	KeysURI   string `env:"AWS_CONTAINER_CREDENTIALS_FULL_URI" help:"without an access key and a token: where an agent of the cluster hands out keys, as EKS Pod Identity does (with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)"`
	Bucket    string `env:"FILMGATE_S3_BUCKET" default:"filmgate" help:"the bucket of all photos"`
	Region    string `env:"FILMGATE_S3_REGION" default:"us-east-1" help:"the bucket's region"`
	Secure    bool   `env:"FILMGATE_S3_TLS" default:"true" help:"speak TLS to the S3 server"`
}

// Bucket is where the objects are.
type Bucket struct {
	core      *minio.Core
	transport *transport
	name      string
	// unsigned leaves the SHA-256 of bodies out of the signatures: it costs more than the whole rest of a PUT, and TLS or
	// the loopback already keeps strangers out.
	unsigned bool
}

// Open connects to a bucket. It is created when it is missing and the credentials allow that.
func Open(ctx context.Context, cfg Config) (*Bucket, error) {
	b, err := dial(cfg)
	if err != nil {
		return nil, err
	}
	if err := b.ensure(ctx, cfg.Region); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func dial(cfg Config) (*Bucket, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	transport := newTransport()
	core, err := minio.NewCore(cfg.Endpoint, &minio.Options{
		Creds:      cfg.credentials(transport),
		Secure:     cfg.Secure,
		Region:     cfg.Region,
		Transport:  transport,
		MaxRetries: maxRetries,
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the photo store's address %q cannot be used", cfg.Endpoint)
	}
	return &Bucket{core: core, transport: transport, name: cfg.Bucket, unsigned: cfg.Secure || loopback(cfg.Endpoint)}, nil
}

// Open is the function Open, for those who have the settings.
func (cfg Config) Open(ctx context.Context) (*Bucket, error) { return Open(ctx, cfg) }

// ensure creates the bucket unless it exists. Credentials that may not even ask are taken to be for one that does.
func (b *Bucket) ensure(ctx context.Context, region string) error {
	exists, err := b.core.BucketExists(ctx, b.name)
	if code(err) == minio.AccessDenied {
		// A HEAD is refused without a reason; a list says whether the credentials are wrong or only narrow.
		for _, err := range b.List(ctx, originals) {
			if err != nil && code(err) != minio.AccessDenied {
				return err
			}
			break
		}
		return nil
	}
	if exists {
		return nil
	}
	if err != nil {
		return wrap(err)
	}
	err = b.core.MakeBucket(ctx, b.name, minio.MakeBucketOptions{Region: region})
	if c := code(err); c == minio.BucketAlreadyOwnedByYou || c == minio.BucketAlreadyExists {
		return nil // another service was faster
	}
	return wrap(err)
}

func loopback(endpoint string) bool {
	host, _, err := net.SplitHostPort(endpoint)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// Close gives up the idle connections.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }

// Name answers the bucket's name.
func (b *Bucket) Name() string { return b.name }

// PutOptions is what is stored beside the bytes.
type PutOptions struct {
	ContentType string
	// Metadata comes back with lower-case names. Values are ASCII.
	Metadata map[string]string
	// CRC32C is the body's checksum, computed here when it is zero.
	CRC32C uint32
}

func (o PutOptions) minio(extra map[string]string) minio.PutObjectOptions {
	metadata := maps.Clone(o.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	maps.Copy(metadata, extra)
	return minio.PutObjectOptions{ContentType: o.ContentType, UserMetadata: metadata}
}

// Put stores an object with one request.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, opts PutOptions) error {
	if opts.CRC32C == 0 {
		opts.CRC32C = CRC32C(body)
	}
	put := opts.minio(map[string]string{headerChecksum: encodeCRC32C(opts.CRC32C)})
	put.DisableContentSha256 = b.unsigned
	_, err := b.core.PutObject(ctx, b.name, key, bytes.NewReader(body), int64(len(body)), "", "", put)
	return wrap(err)
}

// Info is what is known of an object.
type Info struct {
	Key     string
	Size    int64
	ModTime time.Time
	ETag    string
	// What follows is empty in lists.
	ContentType string
	Metadata    map[string]string // lower-case names
	CRC32C      uint32
	HasCRC32C   bool
}

func infoOf(o minio.ObjectInfo) Info {
	metadata := make(map[string]string, len(o.UserMetadata))
	for name, value := range o.UserMetadata {
		metadata[strings.ToLower(name)] = value
	}
	sum, ok := decodeCRC32C(o.ChecksumCRC32C)
	return Info{
		Key: o.Key, Size: o.Size, ModTime: o.LastModified, ETag: strings.Trim(o.ETag, `"`),
		ContentType: o.ContentType, Metadata: metadata, CRC32C: sum, HasCRC32C: ok,
	}
}

// Stat answers what is known of an object.
func (b *Bucket) Stat(ctx context.Context, key string) (Info, error) {
	o, err := b.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return Info{}, wrap(err)
	}
	return infoOf(o), nil
}

// Delete removes an object. It is no error when there is none.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := b.core.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{})
	if code(err) == minio.NoSuchKey {
		return nil
	}
	return wrap(err)
}

// List walks through the objects whose keys begin with prefix, in the order of keys. It ends with the first error.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return b.ListAfter(ctx, prefix, "")
}

// ListAfter is List from the first key behind after, which need not exist.
func (b *Bucket) ListAfter(ctx context.Context, prefix, after string) iter.Seq2[Info, error] {
	opts := minio.ListObjectsOptions{Prefix: prefix, StartAfter: after, Recursive: true}
	return func(yield func(Info, error) bool) {
		for o := range b.core.ListObjectsIter(ctx, b.name, opts) {
			if o.Err != nil {
				yield(Info{}, wrap(o.Err))
				return
			}
			if !yield(infoOf(o), nil) {
				return
			}
		}
	}
}

// Presign answers a URL from which anybody may read the object for a while.
func (b *Bucket) Presign(ctx context.Context, key string, ttl time.Duration) (string, error) {
	u, err := b.core.PresignedGetObject(ctx, b.name, key, ttl, url.Values{})
	if err != nil {
		return "", wrap(err)
	}
	return u.String(), nil
}

// code answers S3's word for an error, or "".
func code(err error) string {
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}
