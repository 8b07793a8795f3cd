"""Configurations as text that tests in several places begin with."""

TRUSTING = """
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:6432"
auth = "trust"

[[clusters]]
name = "main"
protocol = "postgres"
servers = [{ address = "127.0.0.1:5432" }]

[[databases]]
name = "shop"
cluster = "main"

[[users]]
name = "app"
"""
"""One user on one database who need not prove anything. What tests add begins in line 18."""
