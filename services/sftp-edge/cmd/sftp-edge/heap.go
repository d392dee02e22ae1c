package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is how much heap the collector leaves alone. A few uploads keep only some MiB alive while every byte that
// arrives passes through fresh memory: with the runtime's own 100 % the collector would run hundreds of times for each GiB.
const heapFloor = 128 << 20

// floor keeps the collector from running below the floor and leaves it at the runtime's own 100 % above half of it: a plain
// higher percentage would double the memory of a busy edge, and GOGC=off with a limit would have the collector run without
// end when it is reached. A memory limit still stands above all of it.
func floor() {
	most := int64(heapFloor) // and never more than half of what the process may use
	if limit := debug.SetMemoryLimit(-1); limit < 2*most {
		most = limit / 2
	}
	// Never below 4 MiB alive: at so many percent the runtime's own smallest heap is the floor already.
	live := max(live(), 4<<20)
	percent := max(100, int(uint64(most)*100/live)-100)
	debug.SetGCPercent(percent)
	// What nobody holds is found by the next collection, which then does this again.
	runtime.AddCleanup(new(generation), func(struct{}) { floor() }, struct{}{})
}

// generation has a pointer, because the runtime packs small things without one together, and they live longer.
type generation struct{ _ *generation }

// live is what the last collection found to be in use.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
