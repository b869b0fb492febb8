"""The teacher's reader, on files that a test writes: tokens, weights, and an encoder of random weights."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.intent import sentence_encoder, teacher, tuned_encoder
from datamodules.intent.sentence_encoder import SIZE, SentenceEncoder, read_safetensors
from datamodules.intent.tuned_encoder import LABELLED
from datamodules.intent.wordpiece import tokens
from kmidi_lab.errors import DataError
from kmidi_lab.models.intent.features import LABELS, Sentence

_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "happy", "un", "##happy", "##ness", "!", ",", "a", "##b", "cafe")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Happy!", ["happy", "!"]),
        ("unhappyness", ["un", "##happy", "##ness"]),
        ("café, a", ["cafe", ",", "a"]),
        ("xyz ab", ["[UNK]", "a", "##b"]),
        ("a" * 101, ["[UNK]"]),
        ("\x00\t", []),
    ],
)
def test_tokens(text: str, pieces: list[str]) -> None:
    vocabulary = {piece: at for at, piece in enumerate(_PIECES)}
    assert tokens(text, vocabulary, 16) == [vocabulary[p] for p in ("[CLS]", *pieces, "[SEP]")]
    assert len(tokens("happy " * 50, vocabulary, 16)) == 16


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a package with random weights."""
    folder = tmp_path_factory.mktemp("package")
    rng = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (len(_PIECES), SIZE),
        "embeddings.token_type_embeddings.weight": (2, SIZE),
    }
    shapes |= {"embeddings.position_embeddings.weight": (128, SIZE), "embeddings.LayerNorm.weight": (SIZE,)}
    shapes["embeddings.LayerNorm.bias"] = (SIZE,)
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        dense = {f"attention.self.{part}": (SIZE, SIZE) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (SIZE, SIZE), "intermediate.dense": (4 * SIZE, SIZE)}
        dense["output.dense"] = (SIZE, 4 * SIZE)
        for part, shape in dense.items():
            shapes |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
        for part in ("attention.output", "output"):
            shapes |= {f"{name}.{part}.LayerNorm.weight": (SIZE,), f"{name}.{part}.LayerNorm.bias": (SIZE,)}
    header, data = {}, b""
    for name, shape in shapes.items():
        values = (rng.normal(size=shape) * 0.05 + ("LayerNorm.weight" in name)).astype(np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "vocab.txt").write_text("\n".join(_PIECES), encoding="utf-8")
    return folder


@pytest.fixture
def package(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package, which a test may change."""
    for path in written.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(sentence_encoder, "folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_text_has_the_same_vector_alone_and_among_others(package: Path) -> None:
    encode = SentenceEncoder()
    texts = ["happy", "unhappyness, a", "happy happy happy !", ""]
    together = encode(texts)
    assert together.shape == (4, SIZE) and np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together[1], encode(texts[1:2])[0], atol=2e-3)
    assert not np.allclose(together[0], together[1], atol=1e-2)


@pytest.mark.slow
def test_vectors_are_kept(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = teacher.vectors_of(["happy", "a"], tmp_path, False)
    monkeypatch.setattr(teacher, "SentenceEncoder", None)
    assert np.array_equal(first, teacher.vectors_of(["happy", "a"], tmp_path, False))


@pytest.mark.slow
def test_a_broken_file_is_one_line(package: Path) -> None:
    (package / "model.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{}")
    with pytest.raises(DataError, match="not a sentence encoder"):
        SentenceEncoder()
    with pytest.raises(ValueError, match="cut short"):
        read_safetensors(package / "model.safetensors")


def judged(count: int) -> list[Sentence]:
    """Sentences of one length: what is `happy` is rated high, what is `a` is angry and rated low."""
    kinds = (("happy !", "happy", "joy", 0.8), ("a ,", "angry", "anger", -0.8))
    return [
        Sentence(str(at), "goemotions", "train", text, (label,), (fine,), affect=(valence, 0.0, 0.0))
        for at in range(count)
        for text, label, fine, valence in [kinds[at % 2]]
    ]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of a second."""
    monkeypatch.setattr(tuned_encoder, "_BATCH", 8)
    monkeypatch.setattr(tuned_encoder, "_RATE", 1e-3)


@pytest.mark.slow
def test_a_trained_encoder_says_what_it_was_told(package: Path, quick: None) -> None:
    before = torch.get_rng_state()
    tuned = tuned_encoder.tune(judged(80), False)
    assert torch.equal(before, torch.get_rng_state())  # the run's own numbers are drawn as without a teacher
    moved = {name.split(".")[2] for name in tuned.weights if name.startswith("encoder.layer")}
    assert moved == {"2", "3", "4", "5"} and {"head.weight", "head.bias"} <= set(tuned.weights)
    said = tuned_encoder.opinions(tuned, ["happy !", "a ,", "happy !"], False)
    happy, angry = LABELS.index("happy"), LABELS.index("angry")
    assert said.labels[0, happy] > 0.6 > 0.4 > said.labels[1, happy] and said.labels[1, angry] > said.labels[0, angry]
    assert said.affect[0, 0] > 0.3 and said.affect[1, 0] < -0.3
    assert np.allclose(said.vectors[0], said.vectors[2], atol=1e-2) and said.labels.shape == (3, LABELLED)
    assert tuned_encoder.opinions(tuned, [], False).vectors.shape == (0, SIZE)


@pytest.mark.slow
def test_what_the_teacher_learnt_and_said_is_kept(
    package: Path, quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences = judged(16)
    first = teacher.Teacher(sentences, tmp_path, False)(["happy"])
    monkeypatch.setattr(tuned_encoder, "tune", None)
    with monkeypatch.context() as without:
        without.setattr(tuned_encoder, "opinions", None)
        again = teacher.Teacher(sentences, tmp_path, False)
        assert np.array_equal(first.labels, again(["happy"]).labels)
    assert again(["a"]).labels.shape == first.labels.shape  # other texts, by the same weights
    with pytest.raises(TypeError):  # other labels: it must learn anew
        teacher.Teacher([dataclasses.replace(sentences[0], labels=("sad",)), *sentences[1:]], tmp_path, False)
