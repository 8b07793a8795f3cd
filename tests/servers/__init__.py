"""Real servers for the tests: each is started on a free loopback port with its own directory, and stopped again."""
