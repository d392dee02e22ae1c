//go:build race

package sftpedge_test

const racing = true
