"""Test items that a report plays, kept beside its run: a line each in the record, a sound for each version in `heard/`."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from kmidi_lab.after_fit import numpy_call
from kmidi_lab.data import DataModule
from kmidi_lab.errors import FileError
from kmidi_lab.files import write_atomic
from kmidi_lab.midi.new_file import TICKS, new_file, tempo_event
from kmidi_lab.midi.sound import NoSoundError, rendered
from kmidi_lab.midi.writing import note_events
from kmidi_lab.nn.module import LabModule
from kmidi_lab.run_analysis import HeardItem, HeardVersion
from kmidi_lab.run_record import RunRecord
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.scoring.heard import SECONDS, Sounding

FOLDER = "heard"
_DRUMS = 9
_AHEAD_S = 0.1
"""Silence before each item, so that an early note is heard as early."""
_A_SECOND = 2 * TICKS
log = logging.getLogger(__name__)


def keep_heard(record: RunRecord, module: LabModule, evaluator: Evaluator, data: DataModule, folder: Path) -> None:
    """Asks the evaluator for items of the test to listen to, and keeps their sound; none where it tells none.

    Args:
        record: gets a line for each, or why there is no sound.
        module: trained.
        evaluator: of the model.
        data: of the run.
        folder: of the run, for the sounds.

    Raises:
        FileError: the folder can't be written.
    """
    try:
        items = evaluator.heard(numpy_call(module.export_network()), module.head(), data, "test")
        for number, item in enumerate(items, 1):
            kept = []
            for place, (by, notes) in enumerate(item.versions.items(), 1):
                file = f"{FOLDER}/{number:02d}-{place}.ogg"
                write_atomic(folder / file, rendered(_midi(notes)).ogg(_AHEAD_S + SECONDS))
                kept.append(HeardVersion(by, file))
            record.analysis.heard.append(HeardItem(item.name, item.source, kept))
    except NoSoundError as error:
        record.analysis.unheard = str(error)
    except FileError:
        raise
    except Exception:  # as for a picture: a sound that can't be made must not cost a finished run
        log.exception("the test items could not be made heard")


def _midi(notes: Sounding) -> bytes:
    """A MIDI file of what begins within `SECONDS`, in piano or drums."""
    events = [(0, tempo_event(120))]
    velocity = np.clip(np.rint(notes.velocity), 1, 127)
    for at, length, pitch, loud in zip(notes.start, notes.length, notes.pitch, velocity, strict=True):
        if at < SECONDS:
            start = max(0, round((at + _AHEAD_S) * _A_SECOND))
            end = max(start + 1, round((at + _AHEAD_S + length) * _A_SECOND))
            events += note_events(_DRUMS if notes.drums else 0, int(pitch), int(loud), start, end)
    return new_file([events])
