"""What of RAVDESS is there: nothing, a channel, few speakers, copies of a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.ravdess_data import PLAIN, asked, ravdess
from support.speech_files import name, write_clip, write_ravdess

from datamodules.emotion.ravdess import channels_of, files, read, read_name
from datamodules.shared.augmentation import Augmentation
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.emotion.evaluation import EmotionEvaluator
from kmidi_lab.models.emotion.features import EMOTIONS


@pytest.mark.slow
def test_published_folders_wav_and_flac(tmp_path: Path) -> None:
    write_clip(tmp_path / "a/ravdess/Audio_Speech_Actors_01-24/Actor_01" / f"{name(1, 1)}.wav", 1, 48_000)
    write_clip(tmp_path / "a/ravdess/Audio_Song_Actors_01-24/Actor_01" / f"{name(2, 1, channel=2)}.flac", 2)
    assert len(files(tmp_path / "a")) == 2 == len(files(tmp_path / "a/ravdess"))
    found = read(tmp_path / "a", ("speech", "song"), PLAIN, 1)
    assert [(read_name(c.id).channel, EMOTIONS[c.labels["emotion"]]) for c in found.items] == [
        ("song", "calm"),
        ("speech", "neutral"),
    ]
    assert files(tmp_path / "nothing") == []


def test_nothing_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ravdess/Actor_01 .*data.fetch=CC-BY-NC-SA-4.0, or type data=espeak"):
        ravdess(tmp_path, tmp_path / "cache")
    with pytest.raises(ConfigError, match=r"data\.channels"):
        ravdess(tmp_path, tmp_path / "cache", channels=["choir"])


def test_fetching_needs_the_licence_accepted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"CC-BY-NC-SA-4\.0 only"):
        ravdess(tmp_path, tmp_path / "cache", fetch="yes")


def test_a_channel_fetched_beside_the_other_hides_nothing(tmp_path: Path) -> None:
    write_clip(tmp_path / "Actor_01" / f"{name(1, 1)}.wav", 1)
    song = tmp_path / "ravdess/Audio_Song_Actors_01-24/Actor_01" / f"{name(1, 1, channel=2)}.wav"
    write_clip(song, 2)
    assert channels_of(files(tmp_path)) == {"speech", "song"}


@pytest.mark.parametrize("actors", [1, 2, 3])
def test_few_speakers_are_scored_whatever_the_folds(tmp_path: Path, actors: int) -> None:
    """What is trained on must have its folds, and what is scored in parts; all of it together needs none."""
    write_ravdess(tmp_path / "ravdess", actors)
    for split in ("all", "test"):
        data = asked(tmp_path, tmp_path / "cache", val_speakers=2, folds=5, split=split)
        if split == "test":
            data.for_scoring()
        with pytest.raises(ConfigError, match=r"data\.fold"):
            data.setup("fit")
    data = asked(tmp_path, tmp_path / "cache", val_speakers=2, folds=5, split="all")
    data.for_scoring()
    data.setup("fit")
    assert len(data.songs("all")) == 8 * actors and data.songs("train") and data.songs("val")
    head = {"weight": np.zeros((8, 64), np.float32), "bias": np.zeros(8, np.float32)}
    result = EmotionEvaluator()(lambda x: np.zeros((*x.shape[:2], 64), np.float32), head, data, "all", data)
    assert result.metrics["all"]["events"] == 8 * actors and set(result.baselines["all"]) == {
        "majority",
        "mfcc+logistic",
    }


def test_scoring_makes_no_changed_copies_and_takes_those_that_are_there(tmp_path: Path, monkeypatch) -> None:
    write_ravdess(tmp_path / "ravdess", 3, 2)
    made = Augmentation(variants=2)
    for trained, variants in ((False, 0), (True, 2)):
        if trained:
            ravdess(tmp_path, tmp_path / "cache", folds=3, val_speakers=1, augment=made)
            monkeypatch.setattr("datamodules.emotion.ravdess.read", None)
        data = asked(tmp_path, tmp_path / "cache", folds=3, val_speakers=1, augment=made)
        data.for_scoring()
        data.setup("test")
        assert {len(clip.sound.variants) for clip in data.songs("all")} == {variants}
