package jpegscale

// OneScan reports whether a picture comes whole in its first scan, as most do: no decoder has to keep coefficients then.
func (p *Picture) OneScan() bool {
	b, _, err := p.segment(p.scans)
	return err == nil && !p.Progressive && len(b) > 0 && int(b[0]) == len(p.Components)
}
