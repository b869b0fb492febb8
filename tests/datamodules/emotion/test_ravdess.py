"""Names, folders, stray copies, folds and batches of RAVDESS."""

from __future__ import annotations

import csv
import hashlib
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from support.ravdess_data import ravdess
from support.speech_files import name, write_clip, write_ravdess

from datamodules.emotion import ravdess as source
from datamodules.emotion.clips import spoken
from datamodules.emotion.library import split_speakers
from datamodules.emotion.module import ActedSpeech
from datamodules.emotion.ravdess import LICENCE_ID, channels_of, files, read_name
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.clips import ClipError
from kmidi_lab.audio.front_end import heard
from kmidi_lab.contract_features import SPEAKER_FEATURES
from kmidi_lab.emotion_embedding import read_scalars
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.emotion.features import EMOTIONS, label_of, label_set, scalars_of


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six actors, and what goes wrong in the wild."""
    base = write_ravdess(tmp_path_factory.mktemp("data") / "ravdess")
    own = base / "Actor_03" / f"{name(3, 3)}.wav"
    shutil.copy(own, base / "Actor_05" / own.name)  # a stray copy, as it is found in the published set's mirrors
    shutil.copy(base / "Actor_01" / f"{name(1, 1)}.wav", base / "Actor_02" / f"{name(5, 2, 2)}.wav")  # renamed
    write_clip(base / "Actor_04" / "take7.wav", 1)
    write_clip(base / "Actor_04" / f"02{name(1, 4)[2:]}.wav", 2)
    write_clip(base / "Actor_04" / f"{name(3, 4, channel=2)}.wav", 3)  # song
    (base / "Actor_04" / f"{name(4, 4, 2)}.wav").write_bytes(b"RIFF nothing")
    return base.parent


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def data(root: Path, cache: Path) -> ActedSpeech:
    return ravdess(root, cache, val_speakers=1)


def test_a_name_is_read_as_published() -> None:
    n = read_name("03-02-06-02-01-02-12")
    assert (n.channel, EMOTIONS[n.emotion], n.strong, n.statement, n.actor) == ("song", "fear", True, 0, 12)


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("03-01-09-01-01-01-01", "name not as published"),
        ("03-01-01-01-01-01", "name not as published"),
        ("03-03-01-01-01-01-01", "name not as published"),
        ("hello", "name not as published"),
        ("01-01-01-01-01-01-01", "not an audio-only recording"),
    ],
)
def test_other_names_are_reported(stem: str, reason: str) -> None:
    with pytest.raises(ClipError) as caught:
        read_name(stem)
    assert caught.value.reason == reason


def test_what_is_not_used_is_reported(data: ActedSpeech, tmp_path: Path) -> None:
    data.write_problems(tmp_path / "problems.csv")
    with (tmp_path / "problems.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["reason"] for row in rows) == [
        "in another actor's folder",
        "name not as published",
        "not an audio-only recording",
        "not readable as audio",
        "same sound as a file with another name",
        "same sound as a file with another name",
    ]
    stray = next(row for row in rows if row["reason"] == "in another actor's folder")
    assert "Actor_05" in stray["file"] and "actor 03" in stray["detail"]
    assert sum(data.describe()["problems"].values()) == len(rows)


def test_a_stray_copy_is_in_no_split(data: ActedSpeech) -> None:
    clips = data.songs("all")
    assert len({c.sound.key for c in clips}) == len(clips) == 6 * 8 - 1
    assert [c.group for c in clips if c.id == name(3, 3)] == ["actor 03"]


@pytest.mark.parametrize("fold", range(3))
def test_no_actor_and_no_sound_crosses(root: Path, cache: Path, fold: int) -> None:
    other = ravdess(root, cache, fold=fold, val_speakers=1)
    for of in (lambda c: c.group, lambda c: c.sound.key):
        parts = [{of(c) for c in other.songs(split)} for split in ("train", "val", "test")]
        assert all(parts) and not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert other.overlap(other.songs("test")) == 0
    assert other.overlap(other.songs("train")) == len(other.songs("train"))


def test_real_actors_do_not_cross_and_the_stray_is_found(shared: Path) -> None:
    found = files(shared)
    named = [(path, read_name(path.stem)) for path in found]
    stray = [path for path, n in named if path.parent.name != f"Actor_{n.actor:02d}"]
    assert len(found) == 1201 and len(stray) == 1
    female = {f"actor {n.actor:02d}": n.actor % 2 == 0 for _, n in named}
    tested: list[str] = []
    for fold in range(5):
        split = split_speakers(female, 5, fold, 2)
        test = [s for s, where in split.items() if where == "test"]
        val = [s for s, where in split.items() if where == "val"]
        assert len(test) == 4 and sum(female[s] for s in test) == 2 == len(val) and sum(female[s] for s in val) == 1
        tested += test
    assert sorted(tested) == sorted(female)


def test_each_speaker_is_tested_once_whatever_the_folds() -> None:
    female = {f"{i:02d}": i % 3 == 0 for i in range(11)}
    for folds in (2, 3, 5, 11, 0):
        splits = [split_speakers(female, folds, fold, 2) for fold in range(folds or 11)]
        assert sorted(s for split in splits for s, where in split.items() if where == "test") == sorted(female)
        assert all(list(split.values()).count("val") == 2 for split in splits)
    assert list(split_speakers(female, 0, 4, 1).values()).count("test") == 1


def test_folds_may_say_who_is_tested_together() -> None:
    female = {f"{i}": i % 2 == 0 for i in range(1, 9)}
    folds = (("1", "2"), ("5", "3", "8"), ("4",))
    splits = [split_speakers(female, folds, fold, 2) for fold in range(3)]
    assert [{s for s in female if split[s] == "test"} for split in splits] == [set(names) for names in folds]
    # A man and a woman of the folds behind it; 6 and 7 are in no fold, and so in the training of each.
    assert [{s for s in female if split[s] == "val"} for split in splits] == [{"3", "8"}, {"1", "4"}, {"1", "2"}]
    assert all(split["6"] == split["7"] == "train" for split in splits)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("five", "two lists"),
        ([["actor 01", "actor 02"]], "two lists"),
        ([["actor 01"], []], "two lists"),
        ([["actor 01"], ["actor 02", "actor 01"]], "nobody in two"),
        (["actor 01", "actor 02"], "two lists"),
        ([["actor 01"], ["actor 7"]], "names actor 7, of whom there is no clip; leave them out. There are actor 01,"),
    ],
)
def test_folds_that_can_not_be_are_named(root: Path, cache: Path, named: object, said: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.fold_speakers") as caught:
        ravdess(root, cache, fold_speakers=named, val_speakers=1)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"data\.folds=1 must be 0"):
        ravdess(root, cache, folds=1)


@pytest.mark.parametrize(("folds", "fold", "val"), [(5, 5, 1), (12, 0, 1), (0, 6, 1), (3, 0, 4)])
def test_impossible_folds_are_named(folds: int, fold: int, val: int) -> None:
    female = {f"{i}": bool(i % 2) for i in range(6)}
    with pytest.raises(ConfigError, match=r"data\.fold|data\.val_speakers"):
        split_speakers(female, folds, fold, val)


def test_seven_labels_take_calm_as_neutral(root: Path, cache: Path) -> None:
    assert label_set(7) == ("happy", "sad", "angry", "fear", "surprise", "disgust", "neutral")
    assert label_of(EMOTIONS.index("calm"), 7) == label_of(0, 7) == 6
    assert [label_of(i, 8) for i in range(8)] == list(range(8))
    with pytest.raises(ConfigError, match="8 or 7"):
        label_set(6)
    seven = ravdess(root, cache, labels=7, val_speakers=1)
    assert seven.vocabulary == label_set(7) and set(seven.label_indices("all")) == set(range(7))


def test_anchors_by_intensity() -> None:
    angry = EMOTIONS.index("angry")
    assert scalars_of(angry, True)[:2] == (-0.6, 0.7)
    assert scalars_of(angry, False) == pytest.approx([0.75 * v for v in scalars_of(angry, True)])
    assert scalars_of(0, False) == (0, 0, 0)


def test_most_of_the_silence_at_both_ends_goes() -> None:
    frames = np.full((200, 128), -13.8)
    frames[80:100] = -2.0
    assert spoken(frames) == (32, 115)


def test_batches_are_frames_of_the_clip(data: ActedSpeech) -> None:
    batch = next(iter(data.train_dataloader()))
    assert batch.x.shape == (4, 20, 128) and batch.weight.shape == (4, 20)
    assert torch.equal(batch.label.sum(1), torch.ones(4)) and batch.scalars.shape == (4, 4)
    assert torch.isfinite(batch.x).all() and (batch.weight.sum(1) > 0).all()
    [whole] = data.val_dataloader()
    clips = data.songs("val")
    assert whole.x.shape[0] == len(clips)
    inputs, speech = zip(*(heard(c.sound.frames, SPEAKER_FEATURES) for c in clips), strict=True)
    assert whole.weight.sum(1).tolist() == [of.sum() for of in speech]
    assert np.allclose(whole.x[0, :5].numpy(), inputs[0][:5], atol=1e-5)
    mean, std = data.statistics()
    assert mean.shape == std.shape == (128,) and (std > 0).all()
    first = heard(data.songs("test")[0].sound.frames, SPEAKER_FEATURES)[0]
    assert np.allclose(data.probes()[: len(first)], first)


@pytest.mark.slow
def test_augmented_batches_differ_by_epoch_step_and_blend_labels(root: Path, tmp_path: Path) -> None:
    full = ravdess(root, tmp_path, augment=Augmentation(variants=1, mixup=0.4), val_speakers=1)
    a, b = (next(iter(full.train_dataloader())) for _ in range(2))
    assert torch.equal(a.x, b.x), "the same epoch shows the same"
    assert torch.allclose(a.label.sum(1), torch.ones(4)) and ((a.label > 0).sum(1) > 1).any()


@pytest.mark.slow
def test_the_cache_is_used_until_something_changes(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "data"))
    first = ravdess(copy, tmp_path / "cache", val_speakers=1)
    [kept] = (tmp_path / "cache" / "speech").iterdir()
    other = ravdess(copy, tmp_path / "cache", fold=1, val_speakers=1)
    assert list((tmp_path / "cache" / "speech").iterdir()) == [kept], "clips are prepared once for all folds"
    assert first.describe()["version"] != other.describe()["version"]
    (copy / "ravdess/Actor_01" / f"{name(2, 1)}.wav").unlink()
    assert ravdess(copy, tmp_path / "cache", val_speakers=1).describe()["version"] != first.describe()["version"]


def test_a_fetched_archive_is_checked_and_unpacked(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive lies where a download would have put it: its checksum is compared and it is unpacked."""
    target = tmp_path / "data" / "ravdess"
    target.mkdir(parents=True)
    archive = target / "Audio_Speech_Actors_01-24.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted((root / "ravdess").glob("Actor_*/03-01-0[1-4]-01-*.wav")):
            packed.write(path, path.relative_to(root / "ravdess"))
    content = archive.read_bytes()
    listed = ("http://localhost:9/x.zip", f"md5:{hashlib.md5(content).hexdigest()}", len(content))
    monkeypatch.setattr(source, "published_files", lambda doi: {archive.name: listed})
    data = ravdess(tmp_path / "data", tmp_path / "cache", fetch=LICENCE_ID, val_speakers=1)
    assert (target / "Audio_Speech_Actors_01-24" / "Actor_01").is_dir()
    assert {c.group for c in data.songs("all")} == {f"actor {i:02d}" for i in range(1, 7)}


def test_readings_of_an_embedding() -> None:
    embedding = np.zeros((2, 64))
    embedding[0, :16], embedding[1, 16:32] = 0.5, -0.25
    embedding[1, 48:] = [0.5, -0.5] * 8
    read_back = read_scalars(embedding)
    assert read_back[0] == pytest.approx([np.tanh(1), 0, 0, 0])
    assert read_back[1] == pytest.approx([0, np.tanh(-0.5), 0, 0.5])


def test_training_hears_silence_before_speech_and_counts_none_of_it(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ravdess(
        root, cache, val_speakers=1, frames=40, skip=0, augment=Augmentation(variants=0, gain=0, bands=0, frames=0)
    )
    data.setup("fit")
    clips = data.songs("train")
    for clip in clips:
        clip.sound.frames[:] = -2.0
        clip.sound.frames[:10] = -13.8
        object.__setattr__(clip.sound, "heard", slice(0, len(clip.sound.frames)))
    loader, firsts = data.train_dataloader(), []
    for seed in range(40):
        monkeypatch.setenv("PL_GLOBAL_SEED", str(seed))
        firsts += [batch.weight.argmax(1) for batch in loader]
    first = torch.cat(firsts)
    # Ten frames of silence come before speech; a stretch begins in any of them or later.
    assert set(first.tolist()) == set(range(11))


def test_an_archive_beside_the_folders_is_no_folder(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "data")
    folder = next((tmp_path / "data").rglob("Actor_*")).parent
    (folder / "Actor_99.zip").write_bytes(b"PK")
    found = files(tmp_path / "data")
    assert [f.name for f in found] == [f.name for f in files(root)]
    assert channels_of([*found, folder / "x.wav"]) == {"speech", "song"} & channels_of(found)
