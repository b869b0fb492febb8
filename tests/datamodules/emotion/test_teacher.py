"""The teacher of the emotion model: which speech it hears, what is made of it, and what is said where it is missing."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from support.speech_files import write_clip, write_ravdess

from datamodules.emotion import lessons, speaker_encoder, teacher
from datamodules.emotion.lessons import TeacherLessons, directions_of, less_voices
from datamodules.emotion.module import ActedSpeech
from datamodules.emotion.other_speech import CORPORA, recordings, rows
from datamodules.emotion.speaker_encoder import SIZE, SpeakerEncoder
from datamodules.shared.augmentation import Augmentation
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.emotion.pretraining import TARGETS

PLAIN = Augmentation(variants=0, gain=0, bands=0, frames=0, mixup=0)


def write_corpora(root: Path, each: int = 3) -> Path:
    """`speech_emotion/` with `each` recordings of two speakers in every corpus, and of a singer of RAVDESS."""
    listed = []
    for number, corpus in enumerate((*CORPORA, "ravdess_song")):
        for at in range(each):
            path = f"{corpus}/{at}.wav"
            write_clip(root / "speech_emotion" / path, 10 * number + at, seconds=0.8)
            listed.append({"path": path, "corpus": corpus, "speaker": f"s{at % 2}", "licence": f"terms of {corpus}"})
    listed.append({"path": "nemo/gone.wav", "corpus": "nemo", "speaker": "s0", "licence": ""})
    with (root / "speech_emotion" / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["path", "corpus", "speaker", "licence"])
        writer.writeheader()
        writer.writerows(listed)
    return root


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The encoder's package with random weights."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for layer, inputs in enumerate((40, 256)):
        for name, shape in (("weight_ih", (1024, inputs)), ("weight_hh", (1024, 256))):
            weights[f"lstm.{name}_l{layer}"] = 0.1 * torch.randn(shape, generator=generator)
        for name in ("bias_ih", "bias_hh"):
            weights[f"lstm.{name}_l{layer}"] = 0.1 * torch.randn(1024, generator=generator)
    file = tmp_path / "package" / "pretrained.pt"
    file.parent.mkdir()
    torch.save({"model_state": weights}, file)
    for module in (speaker_encoder, teacher, lessons):
        monkeypatch.setattr(module, "weights_file", lambda: file)
    return file


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (speaker_encoder, teacher):
        monkeypatch.setattr(module, "weights_file", lambda: None)


def sound(seed: int, seconds: float) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def test_no_speaker_of_ravdess_is_heard_before_the_labels(tmp_path: Path) -> None:
    chosen = recordings(write_corpora(tmp_path))
    assert [one.corpus for one in chosen] == [corpus for corpus in CORPORA for _ in range(3)]
    assert not [one for one in chosen if "ravdess" in str(one.path.relative_to(tmp_path))]
    assert rows(chosen)[0] == {
        "name": "nemo", "licence": "terms of nemo", "clips": 3, "speakers": 2, "note": rows(chosen)[1]["note"],
    }  # fmt: skip
    assert recordings(tmp_path / "nowhere") == []


def test_a_corpus_may_be_left_out(tmp_path: Path, package: Path) -> None:
    root = write_ravdess(write_corpora(tmp_path) / "ravdess").parent
    data = ActedSpeech(
        str(root), str(tmp_path / "cache"), sources=["ravdess"], folds=3, val_speakers=1, augment=PLAIN, workers=1,
        progress=False, teacher=True, teacher_corpora=["savee", "nemo"],
    )  # fmt: skip
    data.setup("fit")
    assert {row["name"] for row in data.describe()["sources"]} == {"ravdess", "nemo", "savee"}
    assert [one.corpus for one in recordings(root, ["savee", "nemo"])] == ["nemo"] * 3 + ["savee"] * 3
    assert data.lessons()[0].version != TeacherLessons(root, tmp_path / "cache", recordings(root)).version
    for wrong, said in ((["nemo", "emodb"], "Allowed: nemo, ased, emovo, savee"), ([], "data.teacher=false")):
        with pytest.raises(ConfigError, match=said):
            ActedSpeech(str(root), str(tmp_path / "cache"), teacher_corpora=wrong)


def test_a_large_corpus_is_cut_the_same_way_whatever_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.emotion.other_speech._MOST", 2)
    before = recordings(write_corpora(tmp_path))
    file = tmp_path / "speech_emotion" / "metadata.csv"
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([head, *reversed(lines)]), encoding="utf-8")
    assert len(before) == 2 * len(CORPORA) and recordings(tmp_path) == before


def test_the_encoder_answers_at_every_frame_and_alike_alone_and_among_others(package: Path) -> None:
    encode, sounds = SpeakerEncoder(), [sound(0, 0.7), sound(1, 1.1), sound(2, 0.064)]
    together = encode(sounds)
    assert [rows.shape for rows in together] == [(len(log_mel(s)), SIZE) for s in sounds]
    assert np.allclose(encode(sounds[:1])[0], together[0], atol=1e-5)
    # What is softer than -30 dB is made as loud.
    soft = encode([1e-3 * sounds[1]])[0]
    assert np.allclose(encode([1e-2 * sounds[1]])[0], soft, atol=1e-4)
    assert not np.allclose(encode([3 * sounds[1]])[0], soft, atol=1e-2)


def test_a_broken_or_missing_package_is_one_line(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"model_state": {}}, package)
    with pytest.raises(DataError, match=r"not a speaker encoder .*kmidi_lab\[teacher\] again"):
        SpeakerEncoder()
    package.write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match="not a speaker encoder"):
        SpeakerEncoder()
    monkeypatch.setattr(speaker_encoder, "weights_file", lambda: None)
    with pytest.raises(DataError, match=r"install kmidi_lab\[teacher\]"):
        SpeakerEncoder()


def test_targets_hold_what_varies_within_a_voice() -> None:
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((4, SIZE))
    voices = ["a", "b"] * 6
    factors = [rng.standard_normal((50, 4)) * (9, 3, 1, 0.3) for _ in voices]
    offset = {"a": 20 * rng.standard_normal(SIZE), "b": 20 * rng.standard_normal(SIZE)}
    noise = 0.01
    activations = [
        (f @ directions + offset[v] + noise * rng.standard_normal((50, SIZE))).astype(np.float32)
        for f, v in zip(factors, voices, strict=True)
    ]
    centred = less_voices(activations, voices)  # type: ignore[arg-type]
    projection, explained = directions_of(centred)
    targets = [rows @ projection for rows in centred]
    assert all(t.shape == (50, TARGETS) for t in targets)
    assert explained > 0.99
    for voice in "ab":
        mean = np.concatenate([t for t, v in zip(targets, voices, strict=True) if v == voice]).mean(0, np.float64)
        assert np.abs(mean[:4]).max() < 0.01
    # The four factors can be read off the targets: a regression leaves nothing of them.
    x, y = np.concatenate(targets).astype(np.float64), np.concatenate(factors)
    x, y = x - x.mean(0), y - y.mean(0)
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert (rest.std(0) < 0.1 * y.std(0)).all()


@pytest.mark.slow
def test_lessons_are_prepared_once_and_their_batches_fit(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "_TOGETHER", 4)
    chosen = recordings(write_corpora(tmp_path))
    first = TeacherLessons(tmp_path, tmp_path / "cache", chosen, workers=1)
    assert len(first.prepared().lessons) == 12 and first.path.is_file()
    again = TeacherLessons(tmp_path, tmp_path / "cache", chosen, workers=1)
    monkeypatch.setattr(lessons, "SpeakerEncoder", None)
    batches = again.batches(4, lambda: 0)
    one, other = list(batches), list(batches)
    assert len(one) == 3 and all(torch.equal(a.x, b.x) for a, b in zip(one, other, strict=True))
    batch = one[0]
    assert batch.x.shape[2] == 128 and batch.target.shape == (*batch.x.shape[:2], TARGETS)
    assert batch.weight.shape == batch.x.shape[:2] and (batch.weight.sum(1) > 0).all()
    longest = max(len(lesson.target) for lesson in again.prepared().lessons)
    assert (batch.weight[:, longest:] == 0).all()
    mean, std = again.statistics()
    assert mean.shape == std.shape == (128,) and (std > 0).all()
    fewer = TeacherLessons(tmp_path, tmp_path / "cache", chosen[:-1], workers=1)
    assert fewer.version != first.version


@pytest.fixture
def spoken(tmp_path: Path) -> ActedSpeech:
    write_ravdess(tmp_path / "ravdess", actors=5, emotions=2)
    data = ActedSpeech(str(tmp_path), str(tmp_path / "cache"), augment=PLAIN, teacher=True, workers=1, progress=False)
    data.setup("fit")
    return data


@pytest.mark.slow
def test_a_training_without_its_teacher_says_so(
    spoken: ActedSpeech, no_package: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert spoken.lessons() == []
    assert "without teacher: the package resemblyzer is not installed" in caplog.text
    told = spoken.describe()
    assert told["notice"].startswith("Trained without teacher: the package") and len(told["sources"]) == 1


@pytest.mark.slow
def test_what_was_heard_is_told_with_its_licences(spoken: ActedSpeech, package: Path, tmp_path: Path) -> None:
    assert spoken.describe()["notice"].startswith("Trained without teacher: the data root has no speech_emotion/")
    before = spoken.describe()["licence"]
    write_corpora(tmp_path)
    told = spoken.describe()
    assert told["notice"].startswith("Taught by resemblyzer") and "12 recordings of nemo, ased" in told["notice"]
    assert [row["name"] for row in told["sources"]] == ["ravdess", *CORPORA]
    assert told["licence"].startswith(f"{before}; nemo: terms of nemo; ased: terms of ased")
    other, own = spoken.lessons()
    assert other.folder == own.folder == tmp_path / "cache" / "teacher"
    spoken.for_scoring()
    assert spoken.lessons() == [] and "notice" not in spoken.describe()


@pytest.mark.slow
def test_of_ravdess_only_the_training_speakers_are_learnt_from(
    spoken: ActedSpeech, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "_TOGETHER", 4)
    write_corpora(tmp_path)
    other, own = spoken.lessons()
    voices = {f"ravdess {clip.group}" for clip in spoken.songs("train")}
    everyone = {f"ravdess {clip.group}" for clip in spoken.songs("all")}
    assert {lesson.voice for lesson in own.prepared().lessons} == voices < everyone
    # Another fold learns from others and finds the same file; both say the same of a frame.
    data = ActedSpeech(
        str(tmp_path), str(tmp_path / "cache"), augment=PLAIN, teacher=True, workers=1, progress=False, fold=1
    )
    data.setup("fit")
    monkeypatch.setattr(lessons, "SpeakerEncoder", None)
    first, second = data.lessons()
    assert first.version == other.version and second.path == own.path and second.version != own.version
    assert {lesson.voice for lesson in second.prepared().lessons} == {f"ravdess {c.group}" for c in data.songs("train")}
    assert np.array_equal(own.prepared().directions, other.prepared().directions)
