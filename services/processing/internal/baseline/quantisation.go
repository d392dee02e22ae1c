package baseline

// quantisation is the table of a kind of component.
type quantisation struct {
	values  [64]byte    // in zig-zag order
	factors [64]float32 // what transformed coefficients are multiplied by, in columns
}

// newQuantisation scales a table to a quality, as libjpeg does.
func newQuantisation(base *[64]byte, quality int) quantisation {
	percent := 200 - 2*quality
	if quality < 50 {
		percent = 5000 / quality
	}
	var q quantisation
	for i, v := range base {
		value := min(max((int(v)*percent+50)/100, 1), 255)
		q.values[i] = byte(value)
		q.factors[columns[i]] = 1 / float32(8*value) // forward answers eight times what it should
	}
	return q
}

// The tables of T.81 K.1, in zig-zag order.
var (
	luma = [64]byte{
		16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
		26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
		56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
		95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
	}
	chroma = [64]byte{
		17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	}
	// columns is where a coefficient of a zig-zag place stands in a block, column by column (T.81 figure A.6); zigzag is the other way.
	columns = [64]uint8{
		0, 8, 1, 2, 9, 16, 24, 17, 10, 3, 4, 11, 18, 25, 32, 40,
		33, 26, 19, 12, 5, 6, 13, 20, 27, 34, 41, 48, 56, 49, 42, 35,
		28, 21, 14, 7, 15, 22, 29, 36, 43, 50, 57, 58, 51, 44, 37, 30,
		23, 31, 38, 45, 52, 59, 60, 53, 46, 39, 47, 54, 61, 62, 55, 63,
	}
	zigzag = func() (places [64]uint8) {
		for k, at := range columns {
			places[at] = uint8(k)
		}
		return places
	}()
)
