"""The reading of statements, the chain, and each capability."""
