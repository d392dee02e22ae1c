package album

import (
	"bytes"
	"testing"
)

func TestSortKeyOrdersAsPeopleDo(t *testing.T) {
	names := []string{
		"", " 1", "1", "2", "10", "10a", "A 9", "a 10", "b", "Class 1", "class 2", "Class 10", "IMG_0009.jpg",
		"img_10.jpg", "IMG_99999999999999999999.jpg", "Österreich",
	}
	for i := 1; i < len(names); i++ {
		if bytes.Compare(SortKey(names[i-1]), SortKey(names[i])) >= 0 {
			t.Errorf("%q does not come before %q", names[i-1], names[i])
		}
	}
}

func TestSortKeyIgnoresCaseZerosAndForm(t *testing.T) {
	for _, pair := range [][2]string{{"CLASS 1", "class 1"}, {"IMG_007", "img_7"}, {"u\u0308", "Ü"}, {"0", "000"}} {
		if !bytes.Equal(SortKey(pair[0]), SortKey(pair[1])) {
			t.Errorf("%q and %q differ", pair[0], pair[1])
		}
	}
}
