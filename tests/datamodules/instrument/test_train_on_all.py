"""`data.train_on=all`: validation and test are trained on, too, and nothing says that they were not."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest

from datamodules.instrument import general_midi, library
from datamodules.instrument.module import InstrumentSounds
from datamodules.shared.library import SplitLibrary
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.instrument.features import INSTRUMENTS

PARTS = {"train": 6, "val": 3, "test": 4}


def clips_of(source: str, counts: dict[str, int]) -> tuple[list[Clip], list[str]]:
    rng = np.random.default_rng(0)
    splits = [split for split, count in counts.items() for _ in range(count)]
    frames = rng.normal(-6, 2, (len(splits), 20, 128)).astype(np.float32)
    named = {} if source == general_midi.UNHEARD else {"instrument": INSTRUMENTS.index("flute")}
    clips = [
        Clip(f"{source}-{i}", source, f"{source}-{i}", {"family": 7, **named}, Sound(row, key=f"{source}-{i}"))
        for i, row in enumerate(frames)
    ]
    return clips, splits


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch):
    """Makes the data module over recordings, rendered programs, and programs kept for the test."""
    parts = [clips_of("philharmonia", PARTS), clips_of("gm", PARTS), clips_of("gm_programs", {"test": 5})]
    clips, splits = ([x for part in parts for x in part[k]] for k in (0, 1))

    def load(*_: object, **__: object) -> SplitLibrary[Clip]:
        return SplitLibrary(clips, splits, {"version": "1"}, {"rule": "by take"})

    monkeypatch.setattr(library, "load", load)

    def make(**settings: object) -> InstrumentSounds:
        data = InstrumentSounds("", "", batch_size=1, rendered_share=0.5, **settings)  # type: ignore[arg-type]
        data.setup("fit")
        return data

    return make


def test_all_takes_are_trained_on_and_counted(made) -> None:
    split, everything = made(), made(train_on="all")
    assert len(split.songs("train")) == 12
    assert {clip.id for clip in everything.songs("train")} == {clip.id for clip in everything.songs("all")}
    assert everything.describe()["split"] == {
        "rule": "by take", "train_on": "all", "train": {"songs": 31, "takes": 31, "frames": 620},
        "val": {"songs": 0, "takes": 0, "frames": 0}, "test": {"songs": 0, "takes": 0, "frames": 0},
    }  # fmt: skip
    assert "train_on" not in split.describe()["split"] and split.describe()["split"]["test"]["songs"] == 13
    assert int(everything.place_counts().sum()) == 31 + 26  # every family and every name
    assert everything.overlap(everything.songs("test")) == 13 and split.overlap(split.songs("test")) == 0


def test_no_epoch_is_chosen_by_takes_that_were_trained_on(made) -> None:
    assert list(made(train_on="all").val_dataloader()) == []
    assert len(list(made().val_dataloader())) == 1


def test_programs_kept_for_the_test_count_as_rendered_when_they_are_trained_on(made) -> None:
    assert len(list(made().train_dataloader())) == 6 + ceil(0.5 * 6)
    assert len(list(made(train_on="all").train_dataloader())) == 13 + ceil(0.5 * 18)


def test_what_is_trained_on_is_split_or_all() -> None:
    with pytest.raises(ConfigError, match=r"^data.train_on.*split, all"):
        InstrumentSounds("", "", train_on="test")
    assert InstrumentSounds.identity({"train_on": "all", "frames": 3}) == {"train_on": "all"}
