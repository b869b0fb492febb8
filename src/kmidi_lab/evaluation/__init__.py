"""Metrics, and the evaluators that put a model beside its baselines on the same events."""
