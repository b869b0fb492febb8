"""The teacher's reader, on files that a test writes: tokens, weights, and an encoder of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.intent import sentence_encoder, teacher
from datamodules.intent.sentence_encoder import SIZE, SentenceEncoder, read_safetensors
from datamodules.intent.wordpiece import tokens
from kmidi_lab.errors import DataError

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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with random weights."""
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
    (tmp_path / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (tmp_path / "vocab.txt").write_text("\n".join(_PIECES), encoding="utf-8")
    monkeypatch.setattr(sentence_encoder, "folder", lambda: tmp_path)
    return tmp_path


def test_a_text_has_the_same_vector_alone_and_among_others(package: Path) -> None:
    encode = SentenceEncoder()
    texts = ["happy", "unhappyness, a", "happy happy happy !", ""]
    together = encode(texts)
    assert together.shape == (4, SIZE) and np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together[1], encode(texts[1:2])[0], atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-2)


def test_vectors_are_kept(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = teacher.vectors_of(["happy", "a"], tmp_path, False)
    monkeypatch.setattr(teacher, "SentenceEncoder", None)
    assert np.array_equal(first, teacher.vectors_of(["happy", "a"], tmp_path, False))


def test_a_broken_file_is_one_line(package: Path) -> None:
    (package / "model.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{}")
    with pytest.raises(DataError, match="not a sentence encoder"):
        SentenceEncoder()
    with pytest.raises(ValueError, match="cut short"):
        read_safetensors(package / "model.safetensors")


def test_ratings_are_guessed_from_vectors() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, SIZE)).astype(np.float32)
    affect = np.tanh(vectors[:, :3] * 0.3).astype(np.float32)
    rated = np.arange(400) < 350
    guessed = teacher.rated_by(vectors * 10, affect, rated)
    assert np.corrcoef(guessed[rated, 0], affect[rated, 0])[0, 1] > 0.9
    assert torch.from_numpy(guessed).abs().max() <= 0.95
