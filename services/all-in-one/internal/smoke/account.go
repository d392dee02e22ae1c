package smoke

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// key is what this run logs in with: nobody ever sees or stores its private half.
type key struct {
	signer      ssh.Signer
	fingerprint string
	userID      string // who has it; empty: nobody yet
}

// keyComment marks our keys, and keyLife is after when one that was left behind is taken away.
const (
	keyComment = "filmgate-smoke"
	keyLife    = time.Hour
)

// wait has calls wait for a server that is starting.
var wait = grpc.WaitForReady(true)

// prepare makes the account, the job and the user unless they are there, and gives the user this run's key.
func (r *run) prepare(ctx context.Context) (string, error) {
	certificates, err := r.TLS.Load(slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	r.calls, err = serve.Dial(r.Server, serve.DialConfig{Token: r.Token, TLS: certificates, AllowPlaintext: r.TLS.AllowPlaintext})
	if err != nil {
		return "", err
	}
	ctx = serve.WithAccount(ctx, r.Account)
	made := []string{}
	_, err = jobsv1.NewAccountServiceClient(r.calls).CreateAccount(ctx, &jobsv1.CreateAccountRequest{Slug: r.Account, Name: "Smoke tests"}, wait)
	if err := note(err, &made, "the account"); err != nil {
		return "", fmt.Errorf("making the account %s: %w", r.Account, err)
	}
	jobs := jobsv1.NewJobServiceClient(r.calls)
	_, err = jobs.CreateJob(ctx, &jobsv1.CreateJobRequest{InternalName: r.Job, Name: "Smoke tests"}, wait)
	if err := note(err, &made, "the job"); err != nil {
		return "", fmt.Errorf("making the job %s: %w", r.Job, err)
	}
	job, err := jobs.GetJob(ctx, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_InternalName{InternalName: r.Job}}, wait)
	if err != nil {
		return "", fmt.Errorf("finding the job %s: %w", r.Job, err)
	}
	r.jobID = job.GetId()
	users := jobsv1.NewUserServiceClient(r.calls)
	_, err = users.CreateUser(ctx, &jobsv1.CreateUserRequest{
		DisplayName: "Smoke tests", Role: jobsv1.Role_ROLE_UPLOAD_ONLY, SftpUserName: r.User, JobIds: []string{r.jobID},
	}, wait)
	if err := note(err, &made, "the user"); err != nil {
		return "", fmt.Errorf("making the user %s: %w", r.User, err)
	}
	user, err := users.GetUser(ctx, &jobsv1.GetUserRequest{Key: &jobsv1.GetUserRequest_SftpUserName{SftpUserName: r.User}}, wait)
	if err != nil {
		return "", fmt.Errorf("finding the user %s: %w", r.User, err)
	}
	if err := r.newKey(ctx, users, user); err != nil {
		return "", fmt.Errorf("giving %s a key: %w", r.User, err)
	}
	said := fmt.Sprintf("%s, job %s, SFTP user %s with a key for this run", r.Account, r.Job, r.User)
	if len(made) > 0 {
		said += "; " + strings.Join(made, " and ") + " made now"
	}
	return said, nil
}

// note remembers what was made; what was there already is no error.
func note(err error, made *[]string, what string) error {
	if err == nil {
		*made = append(*made, what)
	}
	if fault.Is(err, fault.Exists) {
		return nil
	}
	return err
}

func (r *run) newKey(ctx context.Context, users jobsv1.UserServiceClient, user *jobsv1.User) error {
	for _, old := range user.GetSftp().GetKeys() {
		if old.GetComment() == keyComment && time.Since(old.GetAddedAt().AsTime()) > keyLife {
			if _, err := users.RemoveSSHKey(ctx, &jobsv1.RemoveSSHKeyRequest{Id: user.GetId(), Fingerprint: old.GetFingerprint()}, wait); err != nil {
				return err
			}
		}
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		return err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " " + keyComment
	if _, err := users.AddSSHKey(ctx, &jobsv1.AddSSHKeyRequest{Id: user.GetId(), AuthorizedKey: line}, wait); err != nil {
		return err
	}
	r.key = key{signer: signer, fingerprint: ssh.FingerprintSHA256(signer.PublicKey()), userID: user.GetId()}
	return nil
}

func (r *run) forgetKey(ctx context.Context) error {
	if r.key.userID == "" {
		return nil
	}
	_, err := jobsv1.NewUserServiceClient(r.calls).RemoveSSHKey(serve.WithAccount(ctx, r.Account),
		&jobsv1.RemoveSSHKeyRequest{Id: r.key.userID, Fingerprint: r.key.fingerprint})
	return err
}
