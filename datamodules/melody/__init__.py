"""Readers of melodies: one module a kind of file, each returns a `Reading`."""
