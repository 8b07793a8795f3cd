"""The wires, sans-io, a folder a database. Bytes in, data out: nothing here opens a socket or reads a configuration."""
