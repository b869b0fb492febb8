"""NSynth as published: its split, its labels, bad tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.instrument_sounds import PLAIN, named, sound

from datamodules.instrument import nsynth as published_nsynth
from datamodules.instrument.module import NSynthSounds
from kmidi_lab.errors import DataError


def nsynth(root: Path, notes: dict[str, list[tuple[str, str, str]]]) -> Path:
    """Published layout: by part, (instrument, family, source) of notes."""
    seed = 0
    for part, listed in notes.items():
        table = {}
        for instrument, family, source in listed:
            name = f"{instrument}-{60 + seed % 12:03d}-{100:03d}-{seed}"
            table[name] = {
                "note_str": name, "instrument_str": instrument, "instrument_family_str": family,
                "instrument_source_str": source, "pitch": 60 + seed % 12, "velocity": 100, "qualities_str": [],
            }  # fmt: skip
            sound(root / part / "audio" / f"{name}.wav", seed)
            seed += 1
        (root / part / "examples.json").write_text(json.dumps(table))
    return root


@pytest.mark.slow
def test_nsynth_keeps_its_split_and_no_instrument_crosses(tmp_path: Path) -> None:
    root = nsynth(
        tmp_path,
        {
            "nsynth-train": [
                ("guitar_acoustic_001", "guitar", "acoustic"),
                ("bass_acoustic_000", "bass", "acoustic"),
                ("mallet_acoustic_007", "mallet", "acoustic"),
                ("flute_acoustic_002", "flute", "acoustic"),
                ("bagpipe_000", "bagpipe", "acoustic"),
            ],
            "nsynth-valid": [("flute_acoustic_002", "flute", "acoustic")],
            "nsynth-test": [("bass_synthetic_068", "bass", "synthetic")],
        },
    )
    data = NSynthSounds(
        str(root), str(tmp_path / "cache"), sources=["nsynth"], augment=PLAIN, workers=1, progress=False
    )
    data.setup("fit")
    assert [len(data.songs(s)) for s in ("train", "val", "test")] == [3, 1, 1]
    instruments = {s: {c.group for c in data.songs(s)} for s in ("train", "val", "test")}
    assert not instruments["train"] & (instruments["val"] | instruments["test"])
    assert data.describe()["problems"] == {"instrument of another part": 1, "family not in the vocabulary": 1}
    said = {c.id.split("-")[0]: named(dict(c.labels)) for c in data.songs("all")}
    assert said["guitar_acoustic_001"]["instrument"] == "guitar"
    assert "family" not in said["bass_acoustic_000"]
    assert said["mallet_acoustic_007"]["family"] == "percussion_tuned"
    assert "instrument" not in said["mallet_acoustic_007"]
    assert said["bass_synthetic_068"]["family"] == "synth_bass"
    assert said["flute_acoustic_002"]["energy"] == "ff"
    assert all("technique" not in labels for labels in said.values())


def test_nsynth_is_thinned_evenly_and_bad_tables_are_named(tmp_path: Path) -> None:
    root = nsynth(tmp_path, {"nsynth-train": [(f"guitar_acoustic_{i:03d}", "guitar", "acoustic") for i in range(6)]})
    assert len(published_nsynth.read(root, PLAIN, most=3, workers=1).items) == 3
    (root / "nsynth-train" / "examples.json").write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        published_nsynth.read(root, PLAIN, most=3, workers=1)
