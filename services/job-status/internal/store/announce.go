package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/outbox"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/job"
)

// announceNew says and records that a job was created.
func (s *Store) announceNew(ctx context.Context, tx sqldb.Tx, j job.Job, by Actor) error {
	if err := record(ctx, tx, by.Event(j.Account, "job_created", j.ID, j.InternalName, j.CreatedAt)); err != nil {
		return err
	}
	return s.say(ctx, tx, events.TypeJobCreated, "", j, "", by)
}

// announceChange says and records everything that is different now.
func (s *Store) announceChange(ctx context.Context, tx sqldb.Tx, before, after job.Job, by Actor) error {
	note := func(action, format string, args ...any) error {
		return record(ctx, tx, by.Event(after.Account, action, after.ID, fmt.Sprintf(format, args...), after.UpdatedAt))
	}
	version := strconv.FormatInt(after.Revision, 10)
	if before.Status != after.Status {
		if err := note("job_status_changed", "%s: %s to %s", after.InternalName, before.Status, after.Status); err != nil {
			return err
		}
		if err := s.say(ctx, tx, events.TypeJobStatusChanged, version, after, before.Status, by); err != nil {
			return err
		}
	}
	if before.Locked != after.Locked {
		action := "job_unlocked"
		if after.Locked {
			action = "job_locked"
		}
		if err := note(action, "%s", after.InternalName); err != nil {
			return err
		}
		if err := s.say(ctx, tx, events.TypeJobLocked, version, after, "", by); err != nil {
			return err
		}
	}
	if before.Name != after.Name {
		if err := note("job_renamed", "%s: %s to %s", after.InternalName, before.Name, after.Name); err != nil {
			return err
		}
		if err := s.say(ctx, tx, events.TypeJobRenamed, version, after, "", by); err != nil {
			return err
		}
	}
	if !slices.Equal(before.Assignees, after.Assignees) {
		return note("job_assigned", "%s: %s", after.InternalName, clipList(after.Assignees))
	}
	return nil
}

// say puts an event with the job's complete state into the outbox.
func (s *Store) say(ctx context.Context, tx sqldb.Tx, t events.Type, version string, j job.Job, previous job.Status, by Actor) error {
	env, err := events.NewEnvelope(s.installation, t, j.Account, j.ID, version, j.UpdatedAt, events.JobChanged{
		Job:            events.Job{ID: j.ID, InternalName: j.InternalName, Name: j.Name, Status: string(j.Status)},
		PreviousStatus: string(previous),
		Locked:         j.Locked,
		Revision:       j.Revision,
		By:             by.UserName,
		At:             j.UpdatedAt,
	})
	if err != nil {
		return fmt.Errorf("saying %s: %w", t, err)
	}
	subject, err := events.PhotosSubject(j.Account, j.ID, t)
	if err != nil {
		return fmt.Errorf("saying %s: %w", t, err)
	}
	return outbox.Add(ctx, tx, subject, env)
}

// clipList names the first few of many.
func clipList(ids []string) string {
	const few = 10
	if len(ids) <= few {
		return strings.Join(ids, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:few], " "), len(ids)-few)
}
