package photo

// Filter says which photos are asked for, by the state that people see.
type Filter struct {
	Processing, Ready, Failed, Removed bool
}

// Kept asks for everything but the trash.
func Kept() Filter { return Filter{Processing: true, Ready: true, Failed: true} }

// Of asks for the given states.
func Of(states ...State) Filter {
	var f Filter
	for _, s := range states {
		switch s {
		case Processing:
			f.Processing = true
		case Ready:
			f.Ready = true
		case Failed:
			f.Failed = true
		case Removed:
			f.Removed = true
		}
	}
	return f
}

// Includes reports whether the state is asked for.
func (f Filter) Includes(s State) bool {
	switch s {
	case Processing:
		return f.Processing
	case Ready:
		return f.Ready
	case Failed:
		return f.Failed
	case Removed:
		return f.Removed
	}
	return false
}
