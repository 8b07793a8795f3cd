// Programs on Go's drivers that print what they see: `drivers pgx`, `drivers pq`. Where to connect is in PGHOST and its
// like. Each line is the same on every run; what the server refuses is printed, what nobody expects ends the program.
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"os"
)

var out = bufio.NewWriter(os.Stdout)

// section begins the lines of one subject.
func section(name string) { fmt.Fprintf(out, "== %s\n", name) }

func say(values ...any) { fmt.Fprintln(out, values...) }

func must(err error) {
	if err != nil {
		out.Flush()
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// sum stands for bytes too many to print.
func sum(data []byte) string { return fmt.Sprintf("%d bytes %x", len(data), sha256.Sum256(data)) }

func main() {
	defer out.Flush()
	switch os.Args[1] {
	case "pgx":
		pgxProgram()
	case "pq":
		pqProgram()
	default:
		must(fmt.Errorf("no program %q", os.Args[1]))
	}
}
