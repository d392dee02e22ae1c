package upload

import "sort"

// span is the bytes from lo up to, not including, hi.
type span struct{ lo, hi int64 }

// spans is a set of bytes, kept as sorted spans that neither overlap nor touch.
type spans []span

// add puts the bytes of s into the set.
func (set spans) add(s span) spans {
	if s.lo >= s.hi {
		return set
	}
	first := sort.Search(len(set), func(i int) bool { return set[i].hi >= s.lo })
	last := first
	for last < len(set) && set[last].lo <= s.hi {
		s.lo = min(s.lo, set[last].lo)
		s.hi = max(s.hi, set[last].hi)
		last++
	}
	if first == last {
		set = append(set, span{})
		copy(set[first+1:], set[first:])
		set[first] = s
		return set
	}
	set[first] = s
	return append(set[:first+1], set[last:]...)
}

// cut takes everything below lo out of the set.
func (set spans) cut(lo int64) spans {
	for len(set) > 0 && set[0].hi <= lo {
		set = set[1:]
	}
	if len(set) > 0 && set[0].lo < lo {
		set[0].lo = lo
	}
	return set
}

// truncate takes everything from hi on out of the set.
func (set spans) truncate(hi int64) spans {
	for len(set) > 0 && set[len(set)-1].lo >= hi {
		set = set[:len(set)-1]
	}
	if n := len(set); n > 0 && set[n-1].hi > hi {
		set[n-1].hi = hi
	}
	return set
}

// from answers how far the set reaches without a gap, starting at lo.
func (set spans) from(lo int64) int64 {
	if len(set) > 0 && set[0].lo <= lo && set[0].hi > lo {
		return set[0].hi
	}
	return lo
}

// end answers the end of the last span, or lo if there is none.
func (set spans) end(lo int64) int64 {
	if len(set) == 0 {
		return lo
	}
	return set[len(set)-1].hi
}
