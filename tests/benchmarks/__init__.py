"""Tests of what the benchmarks compute and of what their load generator takes for right."""
