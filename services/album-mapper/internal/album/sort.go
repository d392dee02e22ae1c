package album

import (
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// SortKey answers bytes whose order is the order in which people expect names: case does not matter, and numbers count
// as numbers ("IMG_2" before "IMG_10"). It is stored, because two databases do not agree on any text order.
func SortKey(name string) []byte {
	folded := cases.Fold().String(norm.NFC.String(name))
	key := make([]byte, 0, len(folded)+2)
	for i := 0; i < len(folded); {
		if !digit(folded[i]) {
			key = append(key, folded[i])
			i++
			continue
		}
		start := i
		for i < len(folded) && digit(folded[i]) {
			i++
		}
		number := folded[start:i]
		for len(number) > 1 && number[0] == '0' {
			number = number[1:]
		}
		// A longer number is a greater one; names have at most 255 bytes.
		key = append(key, '0', byte(min(len(number), 255)))
		key = append(key, number...)
	}
	return key
}

func digit(b byte) bool { return '0' <= b && b <= '9' }
