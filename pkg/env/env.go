// Package env fills a service's Config struct from environment variables, for its main.
//
// All bad settings are reported at once, and the struct's tags are also the reference that --help prints:
//
//	type Config struct {
//		Address string        `env:"FILMGATE_ADDRESS" default:"127.0.0.1:8080" help:"where pages are served"`
//		Token   string        `env:"FILMGATE_TOKEN" required:"true" help:"bearer token of services"`
//		Idle    time.Duration `env:"FILMGATE_IDLE" default:"15m" help:"sign out after this long"`
//	}
//
// Every text setting X can also be given as a file, X_FILE, so that secrets need not lie in the environment. A struct with a
// method Check() error is asked, once its fields are set, whether they go together.
package env

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/version"
)

// maxFileBytes bounds what is read from an …_FILE.
const maxFileBytes = 64 << 10

// ErrHelp is answered by Load after it has printed the reference or the version: main ends with success.
var ErrHelp = errors.New("help was asked for and printed")

// Load fills the configs from the process's environment. With --help among the arguments it prints about and the
// reference on stdout and answers ErrHelp, with --version the program's name and version; other arguments are an error,
// because a service has none.
func Load(about string, configs ...any) error {
	for _, arg := range os.Args[1:] {
		switch arg {
		case "-v", "-version", "--version", "version":
			fmt.Fprintln(os.Stdout, filepath.Base(os.Args[0]), version.String())
			return ErrHelp
		case "-h", "-help", "--help", "help":
			fmt.Fprintf(os.Stdout, "%s\n\nSettings are environment variables:\n\n", strings.TrimSpace(about))
			Reference(os.Stdout, configs...)
			return ErrHelp
		default:
			return fault.New(fault.Invalid, "unknown argument %q: settings are environment variables, see --help", arg)
		}
	}
	return Parse(os.LookupEnv, configs...)
}

// Parse fills the configs, each a pointer to a struct, from lookup. The error names every bad setting.
func Parse(lookup func(string) (string, bool), configs ...any) error {
	var bad []string
	all := settings(configs)
	for _, s := range all {
		text, err := s.text(lookup, all)
		if err == nil {
			err = s.set(text)
		}
		if err != nil {
			bad = append(bad, s.name+": "+fault.Message(err))
		}
	}
	if len(bad) == 0 {
		for _, config := range configs {
			bad = check(bad, reflect.ValueOf(config).Elem())
		}
	}
	if len(bad) > 0 {
		return fault.New(fault.Invalid, "bad settings:\n  %s", strings.Join(bad, "\n  "))
	}
	return nil
}

// check asks a struct, and each that it holds.
func check(bad []string, v reflect.Value) []string {
	if c, ok := v.Addr().Interface().(interface{ Check() error }); ok {
		if err := c.Check(); err != nil {
			bad = append(bad, fault.Message(err))
		}
	}
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() && field.Type.Kind() == reflect.Struct && field.Tag.Get("env") == "" {
			bad = check(bad, v.Field(i))
		}
	}
	return bad
}

// text answers what the setting is set to: the variable, the content of its file, or the default.
func (s setting) text(lookup func(string) (string, bool), all []setting) (string, error) {
	value, set := lookup(s.name)
	set = set && value != ""
	if s.fromFile(all) {
		if path, ok := lookup(s.name + fileSuffix); ok && path != "" {
			if set {
				return "", fault.New(fault.Invalid, "set either %s or %s%s, not both", s.name, s.name, fileSuffix)
			}
			return readSecret(path)
		}
	}
	if set {
		return value, nil
	}
	if s.required {
		return "", fault.New(fault.Invalid, "is required: %s", s.help)
	}
	return s.fallback, nil
}

// readSecret reads a small text file and drops the line end that editors add.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fault.New(fault.Invalid, "cannot read its file: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return "", fault.New(fault.Invalid, "cannot read its file: %v", err)
	}
	if len(data) > maxFileBytes {
		return "", fault.New(fault.Invalid, "its file %s is larger than %d bytes", path, maxFileBytes)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// Reference prints every setting of the configs: name, type, default, help.
func Reference(w io.Writer, configs ...any) {
	all := settings(configs)
	for _, s := range all {
		note := "default " + s.fallback
		switch {
		case s.required:
			note = "required"
		case s.fallback == "":
			note = "default empty"
		}
		name := s.name
		if s.fromFile(all) {
			name += " (or " + s.name + fileSuffix + ")"
		}
		fmt.Fprintf(w, "  %s\n      %s; %s\n      %s\n", name, s.kind(), note, s.help)
	}
}

// settings lists the tagged fields of the configs. A field that is a struct without a tag is walked into.
func settings(configs []any) []setting {
	var all []setting
	for _, config := range configs {
		v := reflect.ValueOf(config)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			panic(fmt.Sprintf("env: %T is not a pointer to a struct", config)) // a programmer's mistake, seen at the first start
		}
		all = appendSettings(all, v.Elem())
	}
	return all
}

func appendSettings(all []setting, v reflect.Value) []setting {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Tag.Get("env")
		if name == "" {
			if field.Type.Kind() == reflect.Struct && field.IsExported() {
				all = appendSettings(all, v.Field(i))
			}
			continue
		}
		s := setting{
			name:     name,
			fallback: field.Tag.Get("default"),
			help:     field.Tag.Get("help"),
			required: field.Tag.Get("required") == "true",
			field:    v.Field(i),
		}
		// Two configs of one process may name the same setting, such as the NATS address: both are filled.
		all = append(all, s)
	}
	return all
}

// fromFile reports whether the setting may be given as a file: text may, unless NAME_FILE is a setting itself.
func (s setting) fromFile(all []setting) bool {
	taken := slices.ContainsFunc(all, func(other setting) bool { return other.name == s.name+fileSuffix })
	return s.field.Kind() == reflect.String && !taken && !strings.HasSuffix(s.name, fileSuffix)
}
