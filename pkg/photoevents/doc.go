// Package photoevents tells other teams' programs what happens to photos, albums and jobs in Filmgate.
//
// Every event is delivered at least once, also those that were published while the program was stopped, for up to 30 days.
// The same fact always has the same id, so a program that remembers ids, or whose handlers give the same result twice,
// never does anything twice.
package photoevents
