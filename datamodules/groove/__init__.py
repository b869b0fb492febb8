"""Drum performances: the Groove MIDI set and a generator that stands in for it."""
