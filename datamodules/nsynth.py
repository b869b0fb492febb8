"""NSynth's notes with their published split, beside rendered programs."""

from __future__ import annotations

from datamodules.instruments.data import Instruments


class NSynth(Instruments):
    """NSynth where it is there, and General MIDI; settings as of Instruments."""

    id = "nsynth"
    root_sources = ("nsynth",)
