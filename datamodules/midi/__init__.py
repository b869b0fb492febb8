"""MIDI files of any kind: one file, many files, what they hold."""
