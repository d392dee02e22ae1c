module filmgate.dev/pkg/photoevents

go 1.26.0

