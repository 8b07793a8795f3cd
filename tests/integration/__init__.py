"""The same programs on a real PostgreSQL, direct and through the proxy: the same output is demanded."""
