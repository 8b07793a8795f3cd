"""What users of other proxies suffer from: docs/pains.md says which test is the proof against each."""
