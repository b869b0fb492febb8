"""Latency of one call beside the memory floor."""
