package main

import (
	"bytes"
	"testing"
)

// A function's log is text of whoever wrote the function; the terminal is the
// operator's.
func TestSec_LOG_1_LogsDoNotSteerTheTerminal(t *testing.T) {
	tail := "START\n\x1b]0;title\x07\x1b[2J\tred\r\nover\rwritten\x08\x7f\u009b31m\n\u202egnp.exe\u2066 \xff end"
	var invoked, logged bytes.Buffer
	printTail(&invoked, []byte(tail))
	if want := "START\n�]0;title��[2J\tred\nover�written���31m\n�gnp.exe� � end\n"; invoked.String() != want {
		t.Errorf("invoke prints %q, want %q", invoked.String(), want)
	}
	line := `{"time":"2026-11-22T12:00:00Z","stream":"stdout","text":"\u001b[2J\u202e\u009b1m"}` + "\n"
	if err := printLogs(&logged, bytes.NewBufferString(line), false); err != nil {
		t.Fatalf("print logs: %v", err)
	}
	if got, want := logged.String(), "  �[2J��1m\n"; !bytes.HasSuffix(logged.Bytes(), []byte(want)) {
		t.Errorf("logs prints %q, want it to end in %q", got, want)
	}
}
