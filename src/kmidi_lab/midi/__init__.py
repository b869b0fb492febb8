"""MIDI files as notes, scores and drum voices, and back. Knows no model's vocabulary."""
