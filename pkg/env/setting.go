package env

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"filmgate.dev/pkg/fault"
)

// fileSuffix makes the name of the variable that names a file with the setting's content.
const fileSuffix = "_FILE"

// Bytes is a size such as 8MiB, 500kB or 4096.
type Bytes int64

// ParseBytes reads a size: a number with an optional unit (kB MB GB TB of 1000, KiB MiB GiB TiB of 1024).
func ParseBytes(text string) (Bytes, error) {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit := strings.ToLower(strings.TrimSpace(text[len(digits):]))
	scale, ok := map[string]int64{
		"": 1, "b": 1,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 0 || n > math.MaxInt64/scale {
		return 0, fault.New(fault.Invalid, "%q is not a size; say for example 8MiB", text)
	}
	return Bytes(n * scale), nil
}

// String answers the size with the largest binary unit that divides it.
func (b Bytes) String() string {
	for _, unit := range []struct {
		name  string
		scale Bytes
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if b >= unit.scale && b%unit.scale == 0 {
			return strconv.FormatInt(int64(b/unit.scale), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// setting is one tagged field.
type setting struct {
	name     string
	fallback string
	help     string
	required bool
	field    reflect.Value
}

// kind names the setting's type for the reference.
func (s setting) kind() string {
	switch s.field.Interface().(type) {
	case time.Duration:
		return "duration such as 30s"
	case Bytes:
		return "size such as 8MiB"
	case []string:
		return "list, separated by commas"
	case bool:
		return "true or false"
	case int, int64:
		return "number"
	default:
		return "text"
	}
}

// set parses text into the field.
func (s setting) set(text string) error {
	switch s.field.Interface().(type) {
	case []string:
		var list []string
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		s.field.Set(reflect.ValueOf(list))
		return nil
	case Bytes:
		if text == "" {
			text = "0"
		}
		size, err := ParseBytes(text)
		s.field.SetInt(int64(size))
		return err
	case time.Duration:
		if text == "" {
			text = "0"
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return fault.New(fault.Invalid, "%q is not a duration; say for example 30s or 5m", text)
		}
		s.field.SetInt(int64(d))
		return nil
	}
	switch s.field.Kind() {
	case reflect.String:
		s.field.SetString(text)
	case reflect.Bool:
		if text == "" {
			text = "false"
		}
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fault.New(fault.Invalid, "%q is neither true nor false", text)
		}
		s.field.SetBool(b)
	case reflect.Int, reflect.Int64:
		if text == "" {
			text = "0"
		}
		n, err := strconv.ParseInt(text, 10, s.field.Type().Bits())
		if err != nil {
			return fault.New(fault.Invalid, "%q is not a whole number", text)
		}
		s.field.SetInt(n)
	default:
		panic(fmt.Sprintf("env: %s has the type %s, which no setting can have", s.name, s.field.Type()))
	}
	return nil
}
