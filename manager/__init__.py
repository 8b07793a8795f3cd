"""The control plane process.

Will own the versions of the configuration (each an immutable Snapshot with author, reason and rollback), their push to
the proxies, the rotation of credentials, the audit trail and the operators' pages. Knows nothing of how the proxy
carries statements: the two never import each other and meet only in `config`.
"""
