"""Scores and performances of them: ASAP as it is published, and KTH-rule performances of the music21 corpus."""
