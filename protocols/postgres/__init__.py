"""PostgreSQL's wire, sans-io: messages, log-in, what a session asks for, whole replies. No socket."""
