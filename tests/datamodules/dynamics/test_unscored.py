"""Performances without a score: what they tell is kept, what they can't tell is masked."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from support.smf import END, midi, name, number, tempo, track

from datamodules.dynamics import unscored
from datamodules.dynamics.module import PianoPerformances
from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError, read_piece
from kmidi_lab.models.dynamics.evaluation import scores

IN = {s.name: s.index for s in DYNAMICS.inputs}
OUT = {s.name: s.index for s in DYNAMICS.outputs}


def part(seed: int, loud: tuple[int, int] = (30, 110), jitter: int = 0, program: int = 0, pedal: bool = False) -> bytes:
    """120 chords of two notes, eighths at 480 ticks a quarter; `jitter` ticks around them."""
    rng = np.random.default_rng(seed)
    events: list[tuple[int, bytes]] = [(0, bytes([0xC0, program]))]
    low = 48 + np.cumsum(rng.integers(-3, 4, 120)) % 12
    for i in range(120):
        start = max(0, 240 * i + int(rng.integers(-jitter, jitter + 1)))
        for k in (0, 16):
            pitch, velocity = int(low[i]) + k, int(rng.integers(*loud))
            events += [(start + k // 4, bytes([0x90, pitch, velocity])), (start + 200, bytes([0x80, pitch, 0]))]
        if pedal and i % 4 == 0:
            events += [(start + 10, bytes([0xB0, 64, 127])), (start + 220, bytes([0xB0, 64, 0]))]
    events.sort(key=lambda e: e[0])
    waits = np.diff([0, *(at for at, _ in events)])
    return (
        name("Piano") + tempo(500_000) + b"".join(number(int(w)) + e for w, (_, e) in zip(waits, events, strict=True))
    )


def file(seed: int, **how: object) -> bytes:
    return midi(track(part(seed, **how) + END))  # type: ignore[arg-type]


def piece(seed: int = 0, **how: object) -> Piece:
    return read_piece(file(seed, **how))


def write_maestro(root: Path, count: int) -> Path:
    base = root / "maestro-v3.0.0"
    (base / "2018").mkdir(parents=True)
    columns = ("canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration")
    with (base / "maestro-v3.0.0.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(columns)
        for i in range(count):
            (base / "2018" / f"{i}.midi").write_bytes(file(i, jitter=30, pedal=True))
            table.writerow(("Composer", f"Piece {i}", "train", "2018", f"2018/{i}.midi", "", "60"))
        table.writerow(("Composer", "Gone", "test", "2018", "2018/gone.midi", "", "60"))
    return root


def write_lakh(root: Path, *contents: bytes) -> Path:
    for content in contents:
        stem = hashlib.md5(content).hexdigest()
        path = root / "lmd_full" / stem[0] / f"{stem}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_chords_of_a_free_performance_are_chords() -> None:
    made = unscored.free_performance(piece())
    # Two notes 4 ticks apart start together, at 120 a quarter in real time.
    assert len(np.unique(made.score.onset)) == 120
    assert made.score.onset[:4].round(6).tolist() == [0, 0, 0.5, 0.5]
    assert (made.score.tempo == 120).all()
    assert np.isfinite(made.played.velocity).all() and np.isnan(made.played.timing).all()


def test_a_gridded_performance_keeps_its_metre() -> None:
    made = unscored.gridded_performance(piece())
    assert made.score.bar[::16].round(3).tolist() == np.arange(15).tolist()
    assert np.isnan(made.played.articulation).all() and np.isnan(made.played.pedal).all()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"loud": (80, 81)}, "velocities hardly vary"),
        ({"loud": (100, 104)}, "velocities hardly vary"),
        ({"jitter": 100}, "not on a grid"),
        ({"program": 40}, "no piano part"),
    ],
)
def test_what_shows_no_dynamics_is_left_out(how: dict[str, object], reason: str) -> None:
    with pytest.raises(MidiError) as caught:
        unscored.gridded_performance(piece(**how))
    assert caught.value.reason == reason


def made(root: Path, source: str) -> PianoPerformances:
    data = PianoPerformances(
        str(root), str(root / "cache"), sources=[source], val_share=0.2, test_share=0.3, batch_size=64,
        notes_per_epoch=256, progress=False,
    )  # fmt: skip
    data.prepare_data()
    data.setup("fit")
    return data


@pytest.mark.slow
def test_maestro_knows_velocities_and_the_pedal_and_no_beats(tmp_path: Path) -> None:
    data = made(write_maestro(tmp_path, 12), "maestro")
    described = data.describe()
    assert described["id"] == "maestro" and described["stand_in"] is None
    assert described["problems"] == {"listed but not there": 1}
    encoded = data.encoded("all")
    for p in encoded:
        assert not any(p.x[:, IN[n]].any() for n in ("beat_phase", "phrase_phase", "metre"))
        assert p.x[:, IN["inter_onset"]].any() and p.x[:, IN["tempo"]].any() == 0
        for output in ("velocity", "attack", "pedal"):
            assert p.mask[:, OUT[output]].all()
        for output in ("timing", "release", "dynamic_range", "compression"):
            assert not p.mask[:, OUT[output]].any() and not p.y[:, OUT[output]].any()
    found = scores(lambda x: np.full((len(x), 16), 0.5, np.float32), encoded)
    assert {"velocity_mae", "pedal_accuracy"} <= set(found) and "timing_mae_ms" not in found
    assert all(bool(np.isfinite(t).all()) for batch in data.train_dataloader() for t in batch)


@pytest.mark.slow
def test_lakh_counts_a_piece_once(tmp_path: Path) -> None:
    contents = [file(seed) for seed in range(12)]
    copy = contents[0].replace(b"Piano", b"Again")
    data = made(write_lakh(tmp_path, *contents, copy, file(1, loud=(80, 81)), b"broken"), "lakh")
    described = data.describe()
    assert described["problems"] == {
        "same notes as another file": 1,
        "velocities hardly vary": 1,
        "not a MIDI file": 1,
    }
    assert len(data.songs("all")) == 12
    assert all(p.x[:, IN["beat_phase"]].any() for p in data.encoded("all"))
    assert data.overlap(data.songs("test")) == 0
