package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// What the first start makes, for a person to try.
const (
	demoAccount  = "demo"
	demoAdmin    = "admin@demo.example"
	demoJob      = "JOB00001"
	demoSFTPUser = "demo"
)

// prepareLimit bounds the first start's calls to job-status.
const prepareLimit = 20 * time.Second

// prepare makes the demo account, its administrator, job and SFTP user, through the same API as everybody. It can be
// killed anywhere and done again: the passwords were kept before the first call.
func prepare(ctx context.Context, k *kept, data string, services grpc.ClientConnInterface) error {
	if k.Prepared {
		return nil
	}
	ctx, cancel := context.WithTimeout(serve.WithAccount(ctx, demoAccount), prepareLimit)
	defer cancel()
	// On the first start nothing else waits for the server, so this does.
	wait := grpc.WaitForReady(true)

	_, err := jobsv1.NewAccountServiceClient(services).CreateAccount(ctx, &jobsv1.CreateAccountRequest{Slug: demoAccount, Name: "Demo studio"}, wait)
	if err := unlessExists(err); err != nil {
		return fmt.Errorf("making the demo account: %w", err)
	}
	users := jobsv1.NewUserServiceClient(services)
	_, err = users.CreateUser(ctx, &jobsv1.CreateUserRequest{
		Email: demoAdmin, DisplayName: "Demo administrator", Role: jobsv1.Role_ROLE_ADMIN, AllJobs: true, WebPassword: k.AdminPassword,
	}, wait)
	if err := unlessExists(err); err != nil {
		return fmt.Errorf("making the administrator: %w", err)
	}
	_, err = users.CreateUser(ctx, &jobsv1.CreateUserRequest{
		DisplayName: "Demo photographer", Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"upload", "download"}, AllJobs: true,
		SftpUserName: demoSFTPUser, SftpPassword: k.SFTPPassword,
	}, wait)
	if err := unlessExists(err); err != nil {
		return fmt.Errorf("making the SFTP user: %w", err)
	}
	_, err = jobsv1.NewJobServiceClient(services).CreateJob(ctx, &jobsv1.CreateJobRequest{InternalName: demoJob, Name: "Demo job"}, wait)
	if err := unlessExists(err); err != nil {
		return fmt.Errorf("making the demo job: %w", err)
	}
	k.Prepared = true
	return k.write(data)
}

func unlessExists(err error) error {
	if fault.Is(err, fault.Exists) {
		return nil
	}
	return err
}
