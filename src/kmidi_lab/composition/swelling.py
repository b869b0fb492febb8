"""How loud a song is from its start to its end where a person asks for it: the players' velocities follow the arc, too."""

from __future__ import annotations

import numpy as np

from kmidi_lab.midi.events import NOTE_ON
from kmidi_lab.midi.reading import open_file
from kmidi_lab.midi.writing import Edit, rewrite
from kmidi_lab.song.arcs import ARC_CURVES, wanted_energy

_HEARD = 0.55
"""Share of a velocity that an arc takes away where it wants no energy and has full energy elsewhere. Our choice: a song that
dies away ends at .59 of its loudest, since the models alone keep nine tenths, which is hardly heard."""


def swelled(midi: bytes, arc: str, quarters: float) -> bytes:
    """The MIDI file with every stroke as loud as the arc wants it there; where that has its most energy all stay as they are.

    Args:
        midi: of a song that is played.
        arc: KmiDi's name of it.
        quarters: of the song.
    """
    file, curve = open_file(midi), ARC_CURVES[arc]
    edits: dict[int, Edit] = {}
    for track, places in zip(file.piece.tracks, file.places, strict=True):
        for note, (chunk, struck, *_) in zip(track.notes, places.tolist(), strict=True):
            at = float(np.clip(note["start"] / file.piece.ticks_per_quarter / quarters, 0.0, 1.0))
            share = 1 - _HEARD * (max(curve) - wanted_energy(curve, at))
            velocity = max(1, round(share * int(note["velocity"])))
            edits.setdefault(chunk, Edit()).changed[struck] = bytes(
                [NOTE_ON | track.channel, int(note["pitch"]), velocity]
            )
    return rewrite(file.file, edits)
