"""Readers of chord data: each turns one published format into songs and a list of problems."""
