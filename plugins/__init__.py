"""What happens to a statement: its reading, the plan that comes of it, and the chain of plugins that decide.

Knows nothing of connections, of the proxy or of its core.
"""
