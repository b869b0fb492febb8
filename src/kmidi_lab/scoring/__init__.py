"""Metrics that know their direction, the base of evaluators, baselines that several models share."""
