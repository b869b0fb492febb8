"""The programs of General MIDI that are played, as `general_midi.yaml` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kmidi_lab.models.instrument.features import FAMILY_OF
from kmidi_lab.own_yaml import table


@dataclass(frozen=True)
class Preset:
    """A program of the SoundFont: what is known of it, its range in MIDI pitches, and whether training hears it.

    `technique` is how a plain note is sounded; None where the program doesn't say. `chords` is whether it plays more than one
    note at a time.
    """

    program: int
    family: str
    instrument: str | None
    technique: str | None
    low: int
    high: int
    articulation: str | None = "normal"
    chords: bool = False
    drums: bool = False
    heard: bool = True

    @property
    def sustains(self) -> bool:
        """Whether a note lasts as long as it is held, so that bending, trilling and slurring it make sense."""
        return self.technique in ("blown", "bowed", "sustained", None) and not self.drums

    @property
    def still(self) -> bool:
        """Whether its plain notes are surely without vibrato."""
        return self.family in ("piano", "guitar", "strings_plucked", "percussion_tuned")


def _presets() -> Iterator[Preset]:
    written = table(__name__, "general_midi.yaml")
    for row in written["programs"]:
        instrument = row.get("instrument")
        family, (low, high) = row.get("family") or FAMILY_OF[instrument], row["range"]
        articulation = row.get("articulation", "normal")
        for program in row["programs"]:
            heard = program not in written["unheard"]
            facts = (program, family, instrument, row.get("technique"), low, high, articulation)
            yield Preset(*facts, chords=row.get("chords", False), heard=heard)
    for kit in written["kits"]:
        yield Preset(kit, FAMILY_OF["drums"], "drums", None, 0, 127, drums=True)


PRESETS = tuple(_presets())
