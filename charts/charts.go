// Package charts holds the Helm charts of Filmgate to the programs that they run: its tests know both.
package charts
