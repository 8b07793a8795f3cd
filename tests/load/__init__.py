"""Load with checked answers: every row carries the mark of the client that asked."""
