"""The proxy beside its peers: what a statement, an idle client and a log-in cost, in one interleaved run.

`python -m benchmarks` (or `make bench`) starts everything it compares, measures, and judges by `bars.toml`. It uses
ArticDBM as an operator does, through its command and its configuration file, and knows nothing of its insides.
"""
