"""Parity gates and golden vectors."""
