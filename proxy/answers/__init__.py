"""Stores that speak no wire of ours: each is opened by an executor, and a session speaks PostgreSQL's wire for it."""
