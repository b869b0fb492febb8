"""General MIDI programs rendered offline: a stand-in where nothing is recorded."""

from __future__ import annotations

from datamodules.instruments.data import Instruments


class GmInstruments(Instruments):
    """Rendered programs alone; settings as of Instruments."""

    id = "gm_instruments"
    root_sources = ()
