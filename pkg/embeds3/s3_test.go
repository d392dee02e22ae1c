package embeds3_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"filmgate.dev/pkg/embeds3"
	"filmgate.dev/pkg/embeds3/s3test"
)

// These tests prove, with a client that is not ours, each thing that pkg/objects asks of an S3 server.

const part = 5 << 20 // the smallest that S3 takes before the last one

func TestAnObjectComesBackWithItsMetadata(t *testing.T) {
	bucket := s3test.New(t)
	core, body := bucket.Core(t), noise(1<<20)
	put(t, core, bucket, "o/a/b/c", body, minio.PutObjectOptions{ContentType: "image/jpeg", UserMetadata: map[string]string{
		"folder": "f1", "name": base64.RawURLEncoding.EncodeToString([]byte("Größe 1.jpg")), "x-amz-checksum-crc32c": crc(body),
	}})
	reader, info, _, err := core.GetObject(t.Context(), bucket.Name, "o/a/b/c", minio.GetObjectOptions{Checksum: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	got, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if info.ContentType != "image/jpeg" || info.UserMetadata["Folder"] != "f1" || info.UserMetadata["Name"] == "" {
		t.Errorf("got %q, %v", info.ContentType, info.UserMetadata)
	}
	if info.ChecksumCRC32C != crc(body) {
		t.Errorf("got checksum %q, want %q", info.ChecksumCRC32C, crc(body))
	}
}

func TestAWrongChecksumIsRefused(t *testing.T) {
	bucket := s3test.New(t)
	core, body := bucket.Core(t), noise(1000)
	opts := minio.PutObjectOptions{DisableContentSha256: true, UserMetadata: map[string]string{"x-amz-checksum-crc32c": crc([]byte("other"))}}
	_, err := core.PutObject(t.Context(), bucket.Name, "k", bytes.NewReader(body), int64(len(body)), "", "", opts)
	wantCode(t, err, "BadDigest", "XAmzContentChecksumMismatch")
	_, err = core.StatObject(t.Context(), bucket.Name, "k", minio.StatObjectOptions{})
	wantCode(t, err, minio.NoSuchKey)
}

func TestIfNoneMatchKeepsTheFirstObject(t *testing.T) {
	bucket := s3test.New(t)
	core := bucket.Core(t)
	put(t, core, bucket, "k", []byte("first"), minio.PutObjectOptions{})
	opts := minio.PutObjectOptions{}
	opts.SetMatchETagExcept("*")
	_, err := core.PutObject(t.Context(), bucket.Name, "k", strings.NewReader("second"), 6, "", "", opts)
	wantCode(t, err, minio.PreconditionFailed)
	if got := get(t, core, bucket, "k", minio.GetObjectOptions{}); string(got) != "first" {
		t.Errorf("got %q", got)
	}
}

func TestARangeIsRead(t *testing.T) {
	bucket := s3test.New(t)
	core := bucket.Core(t)
	put(t, core, bucket, "k", []byte("0123456789"), minio.PutObjectOptions{})
	opts := minio.GetObjectOptions{}
	if err := opts.SetRange(2, 4); err != nil {
		t.Fatal(err)
	}
	if got := get(t, core, bucket, "k", opts); string(got) != "234" {
		t.Errorf("got %q", got)
	}
}

func TestListFollowsThePrefixInOrder(t *testing.T) {
	bucket := s3test.New(t)
	core := bucket.Core(t)
	for _, key := range []string{"o/a/2", "o/a/1", "o/b/1", "t/1"} {
		put(t, core, bucket, key, []byte(key), minio.PutObjectOptions{})
	}
	// A prefix is not a folder: it may end in the middle of a name.
	for prefix, want := range map[string]string{"o/a/": "o/a/1 o/a/2", "o/": "o/a/1 o/a/2 o/b/1", "o/a/1": "o/a/1", "": "o/a/1 o/a/2 o/b/1 t/1", "x/": ""} {
		var keys []string
		for object := range core.Client.ListObjects(t.Context(), bucket.Name, minio.ListObjectsOptions{Prefix: prefix, Recursive: true, MaxKeys: 2}) {
			if object.Err != nil {
				t.Fatal(object.Err)
			}
			keys = append(keys, object.Key)
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("prefix %q: got %q, want %q", prefix, got, want)
		}
	}
}

func TestADeletedObjectIsGone(t *testing.T) {
	bucket := s3test.New(t)
	core := bucket.Core(t)
	put(t, core, bucket, "o/a/1", []byte("x"), minio.PutObjectOptions{})
	for range 2 { // deleting what is not there is no error
		if err := core.RemoveObject(t.Context(), bucket.Name, "o/a/1", minio.RemoveObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := core.StatObject(t.Context(), bucket.Name, "o/a/1", minio.StatObjectOptions{})
	wantCode(t, err, minio.NoSuchKey)
	put(t, core, bucket, "o/a/1", []byte("again"), minio.PutObjectOptions{})
}

func TestMultipartHasOneChecksumForTheWholeObject(t *testing.T) {
	bucket := s3test.New(t)
	core, body := bucket.Core(t), noise(2*part+1000)
	id := newMultipart(t, core, bucket, "o/a/b/big")
	var parts []minio.CompletePart
	for n := 1; n <= 3; n++ {
		piece := body[(n-1)*part : min(n*part, len(body))]
		done, err := putPart(t.Context(), core, bucket, "o/a/b/big", id, n, piece, crc(piece))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, minio.CompletePart{PartNumber: n, ETag: done.ETag, ChecksumCRC32C: crc(piece)})
	}

	listed, err := core.ListObjectParts(t.Context(), bucket.Name, "o/a/b/big", id, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.ObjectParts) != 3 {
		t.Fatalf("listed %d parts", len(listed.ObjectParts))
	}
	for i, p := range listed.ObjectParts {
		size := int64(min(part, len(body)-i*part))
		if p.PartNumber != i+1 || p.Size != size || strings.Trim(p.ETag, `"`) != parts[i].ETag || p.ChecksumCRC32C != parts[i].ChecksumCRC32C {
			t.Errorf("part %d is listed as %+v", i+1, p)
		}
	}

	info, err := core.CompleteMultipartUpload(t.Context(), bucket.Name, "o/a/b/big", id, parts, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if info.ChecksumCRC32C != crc(body) {
		t.Errorf("the whole object's checksum is %q, want %q", info.ChecksumCRC32C, crc(body))
	}
	if got := get(t, core, bucket, "o/a/b/big", minio.GetObjectOptions{}); !bytes.Equal(got, body) {
		t.Error("the object differs from its parts")
	}
	stat, err := core.StatObject(t.Context(), bucket.Name, "o/a/b/big", minio.StatObjectOptions{Checksum: true})
	if err != nil || stat.ChecksumCRC32C != crc(body) || stat.UserMetadata["Upload"] != "u1" {
		t.Errorf("stat: %q, %v, %v", stat.ChecksumCRC32C, stat.UserMetadata, err)
	}
}

func TestAPartWithAWrongChecksumIsRefused(t *testing.T) {
	bucket := s3test.New(t)
	core := bucket.Core(t)
	id := newMultipart(t, core, bucket, "k")
	_, err := putPart(t.Context(), core, bucket, "k", id, 1, noise(1000), crc([]byte("other")))
	wantCode(t, err, "BadDigest", "XAmzContentChecksumMismatch")
	listed, err := core.ListObjectParts(t.Context(), bucket.Name, "k", id, 0, 1000)
	if err != nil || len(listed.ObjectParts) != 0 {
		t.Errorf("listed %v, %v", listed.ObjectParts, err)
	}
}

func TestAPartIsCopiedFromAnotherObject(t *testing.T) {
	bucket := s3test.New(t)
	core, old, tail := bucket.Core(t), noise(part+500), []byte("and the rest")
	// With a checksum of its own: versitygw would take that for the part's.
	put(t, core, bucket, "old", old, minio.PutObjectOptions{UserMetadata: map[string]string{"x-amz-checksum-crc32c": crc(old)}})
	id := newMultipart(t, core, bucket, "new")
	first, err := core.CopyObjectPart(t.Context(), bucket.Name, "old", bucket.Name, "new", id, 1, 300, part, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := putPart(t.Context(), core, bucket, "new", id, 2, tail, crc(tail))
	if err != nil {
		t.Fatal(err)
	}
	// The answer to the copy holds no checksum; the list does.
	listed, err := core.ListObjectParts(t.Context(), bucket.Name, "new", id, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := listed.ObjectParts[0].ChecksumCRC32C, crc(old[300:300+part]); got != want {
		t.Errorf("the copied part's checksum is listed as %q, want %q", got, want)
	}
	info, err := core.CompleteMultipartUpload(t.Context(), bucket.Name, "new", id, []minio.CompletePart{
		{PartNumber: 1, ETag: first.ETag, ChecksumCRC32C: listed.ObjectParts[0].ChecksumCRC32C},
		{PartNumber: 2, ETag: second.ETag, ChecksumCRC32C: crc(tail)},
	}, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := append(bytes.Clone(old[300:300+part]), tail...)
	if info.ChecksumCRC32C != crc(want) {
		t.Errorf("the whole object's checksum is %q, want %q", info.ChecksumCRC32C, crc(want))
	}
	if got := get(t, core, bucket, "new", minio.GetObjectOptions{}); !bytes.Equal(got, want) {
		t.Error("the object differs from its parts")
	}
}

func TestACopyOfWhatIsNotThereIsRefused(t *testing.T) {
	bucket := s3test.New(t)
	core := bucket.Core(t)
	put(t, core, bucket, "old", noise(1000), minio.PutObjectOptions{})
	id := newMultipart(t, core, bucket, "new")
	_, err := core.CopyObjectPart(t.Context(), bucket.Name, "old", bucket.Name, "new", id, 1, 500, 501, nil)
	wantCode(t, err, "InvalidArgument", "InvalidRange")
	_, err = core.CopyObjectPart(t.Context(), bucket.Name, "missing", bucket.Name, "new", id, 1, 0, 1, nil)
	wantCode(t, err, minio.NoSuchKey)
	_, err = core.CopyObjectPart(t.Context(), bucket.Name, "old", bucket.Name, "new", "no-such-id", 1, 0, 1, nil)
	wantCode(t, err, minio.NoSuchUpload)
}

func TestAnAbortedMultipartIsGone(t *testing.T) {
	bucket := s3test.New(t)
	core := bucket.Core(t)
	id := newMultipart(t, core, bucket, "k")
	if _, err := putPart(t.Context(), core, bucket, "k", id, 1, noise(10), crc(noise(10))); err != nil {
		t.Fatal(err)
	}
	if err := core.AbortMultipartUpload(t.Context(), bucket.Name, "k", id); err != nil {
		t.Fatal(err)
	}
	_, err := core.ListObjectParts(t.Context(), bucket.Name, "k", id, 0, 1000)
	wantCode(t, err, minio.NoSuchUpload)
	wantCode(t, core.AbortMultipartUpload(t.Context(), bucket.Name, "k", id), minio.NoSuchUpload)
}

func TestOneServerPerProcess(t *testing.T) {
	s3test.New(t)
	_, err := embeds3.Start(t.Context(), embeds3.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0", AccessKey: "a", SecretKey: "b", Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "only one") {
		t.Errorf("got %v", err)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

func crc(b []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))))
}

func put(t *testing.T, core *minio.Core, bucket s3test.Bucket, key string, body []byte, opts minio.PutObjectOptions) {
	t.Helper()
	if _, err := core.PutObject(t.Context(), bucket.Name, key, bytes.NewReader(body), int64(len(body)), "", "", opts); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, core *minio.Core, bucket s3test.Bucket, key string, opts minio.GetObjectOptions) []byte {
	t.Helper()
	reader, _, _, err := core.GetObject(t.Context(), bucket.Name, key, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	b, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newMultipart(t *testing.T, core *minio.Core, bucket s3test.Bucket, key string) string {
	t.Helper()
	id, err := core.NewMultipartUpload(t.Context(), bucket.Name, key, minio.PutObjectOptions{UserMetadata: map[string]string{
		"upload": "u1", "x-amz-checksum-algorithm": "CRC32C", "x-amz-checksum-type": "FULL_OBJECT",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func putPart(ctx context.Context, core *minio.Core, bucket s3test.Bucket, key, id string, n int, body []byte, sum string) (minio.ObjectPart, error) {
	return core.PutObjectPart(ctx, bucket.Name, key, id, n, bytes.NewReader(body), int64(len(body)),
		minio.PutObjectPartOptions{CustomHeader: http.Header{"X-Amz-Checksum-Crc32c": {sum}}})
}

func wantCode(t *testing.T, err error, codes ...string) {
	t.Helper()
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		for _, code := range codes {
			if answer.Code == code {
				return
			}
		}
	}
	t.Errorf("got %v, want %s", fmt.Sprintf("%q %v", answer.Code, err), codes)
}
