"""NSynth (J. Engel et al., *Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders*, ICML 2017; CC BY 4.0).

Published layout: `nsynth-train`, `nsynth-valid`, `nsynth-test`, each with `examples.json` and `audio/<note>.wav`. No
instrument of the training part is in another, and none here may be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from datamodules.instrument.philharmonia import sound_of
from datamodules.instrument.recording import Augmentation
from datamodules.shared.clips import ClipError
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import read_all
from kmidi_lab.audio.clips import Clip
from kmidi_lab.errors import DataError
from kmidi_lab.models.instrument.features import dynamic_range_of, energy_of, place, register_of

SOURCE = "nsynth"
LICENCE = "CC BY 4.0"
_PARTS = {"nsynth-train": "train", "nsynth-valid": "val", "nsynth-test": "test"}
_FAMILIES = {
    "brass": "brass", "flute": "woodwind_flute", "guitar": "guitar", "keyboard": "piano", "mallet": "percussion_tuned",
    "organ": "organ", "reed": "woodwind_reed", "string": "strings_bowed", "synth_lead": "synth_lead", "vocal": "voice",
}  # fmt: skip
_KINDS = {
    ("bass", "electronic"): ("guitar", "bass_guitar"), ("bass", "synthetic"): ("synth_bass", "synthesizer"),
    ("flute", "acoustic"): ("woodwind_flute", "flute"), ("guitar", "acoustic"): ("guitar", "guitar"),
    ("guitar", "electronic"): ("guitar", "electric_guitar"), ("keyboard", "electronic"): ("piano", "electric_piano"),
    ("organ", "acoustic"): ("organ", "organ"), ("organ", "electronic"): ("organ", "organ"),
    ("synth_lead", "synthetic"): ("synth_lead", "synthesizer"), ("vocal", "acoustic"): ("voice", "voice"),
}  # fmt: skip
"""Family and source of NSynth that name an instrument here; the others name a family at most."""


def labels_of(example: Mapping[str, Any]) -> dict[str, int]:
    """What an entry of examples.json says of each slice; its qualities are not used.

    Raises:
        ClipError: a field is missing or not what the published ones are.
    """
    try:
        family, source = str(example["instrument_family_str"]), str(example["instrument_source_str"])
        pitch, velocity = int(example["pitch"]), int(example["velocity"])
    except (KeyError, TypeError, ValueError) as error:
        raise ClipError("entry not as published", repr(error)) from None
    if family != "bass" and family not in _FAMILIES:
        raise ClipError("family not in the vocabulary", family)
    named, instrument = _KINDS.get((family, source), (_FAMILIES.get(family), None))
    energy = energy_of(velocity)
    labels = {"register": register_of(pitch), "energy": energy, "dynamic_range": dynamic_range_of(energy)}
    if named:
        labels["family"] = place("family", named)
    if instrument:
        labels["instrument"] = place("instrument", instrument)
    return labels


def files(root: Path) -> list[Path]:
    """The tables that there are."""
    return [root / part / "examples.json" for part in _PARTS if (root / part / "examples.json").is_file()]


def without_table(root: Path) -> list[Path]:
    """The published parts whose table is not there: their sounds can't be read."""
    return [root / part for part in _PARTS if not (root / part / "examples.json").is_file()]


def read(root: Path, augmentation: Augmentation, most: int, workers: int = 2, progress: bool = False) -> Reading[Clip]:
    """The sounds of the published parts, `most` of each at most, evenly by name.

    Raises:
        DataError: a table that is not JSON.
    """
    out: Reading[Clip] = Reading(SOURCE, LICENCE)
    clips: dict[Path, Clip] = {}
    tables = {_PARTS[path.parent.name]: (path, _table(path)) for path in files(root)}
    elsewhere = {
        e.get("instrument_str") for part in ("val", "test") if part in tables for e in tables[part][1].values()
    }
    for part, (table, examples) in tables.items():
        names = sorted(examples)
        for name in names[:: -(-len(names) // most) or 1]:
            path, instrument = table.parent / "audio" / f"{name}.wav", examples[name].get("instrument_str")
            if part == "train" and instrument in elsewhere:
                out.skip(path, "", "instrument of another part", instrument)
                continue
            try:
                labels = labels_of(examples[name])
            except ClipError as error:
                out.skip(path, "", error.reason, error.detail)
                continue
            clips[path] = Clip(name, SOURCE, f"{SOURCE}:{instrument}", labels, None, part)  # type: ignore[arg-type]
    work = partial(sound_of, augmentation=augmentation)
    for path, sound in read_all(out, sorted(clips), work, workers, progress, "reading NSynth").items():
        clip = clips[path]
        out.items.append(replace(clip, labels={**sound.measured, **clip.labels}, sound=sound))
    return out


def _table(path: Path) -> dict[str, dict[str, Any]]:
    try:
        table = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); unpack NSynth again") from None
    if not isinstance(table, dict) or not all(isinstance(e, dict) for e in table.values()):
        raise DataError(f"{path}: not a table of notes; unpack NSynth again")
    return table
