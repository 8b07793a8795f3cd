"""What `make lint` asks of the house besides what its tools know: a file a check, run as `python -m checks.NAME`."""
