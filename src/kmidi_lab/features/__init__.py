"""Samples to contract vectors and back; training and inference both use these functions."""
