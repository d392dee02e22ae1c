package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"filmgate.dev/services/processing"
)

// A file that is refused may cost this much. So may one that is used, unless it is as large a picture as there may be.
const (
	mostCPU    = 2.0 // seconds
	mostMemory = 150 // MB
	itself     = 30  // MB that the program takes, without a picture
)

// answer is what became of a file in a process of its own.
type answer struct {
	code, sentence string // "" where it is used
	expected       float64
	cpu, memory    float64
	bytes          int
}

// try writes a bomb and has another process look at it.
func (b bomb) try(ctx context.Context, dir string) (a answer, err error) {
	path := filepath.Join(dir, "bomb")
	file := b.make()
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return a, err
	}
	a.bytes = len(file)
	var printed string
	if a.cpu, a.memory, printed, err = run(ctx, []string{self(), "-inspect", path}); err != nil {
		return a, err
	}
	words := strings.SplitN(strings.TrimSpace(printed), "\t", 3)
	if len(words) != 3 {
		return a, fmt.Errorf("%q was printed", printed)
	}
	a.code, a.sentence = words[1], words[2]
	_, err = fmt.Sscan(words[0], &a.expected)
	return a, err
}

// check says what is wrong with the answer, but for the time it took.
func (b bomb) check(a answer) error {
	most := float64(mostMemory)
	if b.large {
		most = max(most, a.expected+itself)
	}
	switch {
	case a.code != b.code || !strings.Contains(a.sentence, b.words):
		return fmt.Errorf("answered %q %q, want %q …%s…", a.code, a.sentence, b.code, b.words)
	case a.memory > most:
		return fmt.Errorf("took %.0f MB, at most %.0f are right", a.memory, most)
	}
	return nil
}

// look prints the memory that is set aside for a file in MB, the code and the sentence that it is refused with.
func look(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	seen, err := processing.Inspect(ctx, file, info.Size(), processing.Sale{})
	if err != nil {
		return err
	}
	code, sentence := "", fmt.Sprintf("used: %d derivatives", len(seen.Derivatives))
	if seen.Rejection != nil {
		code, sentence = seen.Rejection.Code, seen.Rejection.Message
	}
	fmt.Printf("%.0f\t%s\t%s\n", float64(seen.Memory)/(1<<20), code, sentence)
	return nil
}

// defuse prints a table of all bombs, and fails where one costs more than it may.
func defuse(ctx context.Context, w io.Writer, only string) (err error) {
	dir, err := os.MkdirTemp("", "filmgate-bombs-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprintf(w, "%s/%s, %d processors, %s\n\n| file | MB | answer | CPU s | peak MB |\n|---|---|---|---|---|\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	var wrong []error
	for _, b := range bombs {
		if !strings.Contains(b.name, only) {
			continue
		}
		a, err := b.try(ctx, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		said := "used"
		if b.large {
			said = fmt.Sprintf("used; %.0f MB were set aside", a.expected)
		}
		if a.code != "" {
			said = "`" + a.code + "`"
		}
		fmt.Fprintf(w, "| %s | %.1f | %s | %.2f | %.0f |\n", b.name, float64(a.bytes)/1e6, said, a.cpu, a.memory)
		if err := b.check(a); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", b.name, err))
		}
		if a.cpu > mostCPU && !b.large {
			wrong = append(wrong, fmt.Errorf("%s: took %.2f CPU seconds, at most %.0f are right", b.name, a.cpu, mostCPU))
		}
	}
	return errors.Join(wrong...)
}
