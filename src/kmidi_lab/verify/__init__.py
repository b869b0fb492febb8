"""Checks of a models folder, file by file."""
