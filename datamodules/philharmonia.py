"""The Philharmonia Orchestra's samples, beside rendered programs for the instruments that they lack."""

from __future__ import annotations

from datamodules.instruments.data import Instruments


class Philharmonia(Instruments):
    """Philharmonia where it is there, and General MIDI; settings as of Instruments."""

    id = "philharmonia"
    root_sources = ("philharmonia",)
