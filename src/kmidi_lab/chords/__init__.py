"""Chords: the reduced vocabulary of the contract and one parser for each notation."""
