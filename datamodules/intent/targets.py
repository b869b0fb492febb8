"""Sentences as rows of the table and as targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kmidi_lab.models.intent.features import COLUMNS, FINE, LABELS, SIDE, SUB_EMOTIONS, SUB_OF_FINE, Sentence
from kmidi_lab.text.pieces import rows

_STARTS = np.cumsum([0, *COLUMNS])
_BY_RULE = 0.5
"""How much the affect of a sentence made by rule counts beside a rated one's 1."""
_LEARNT_SUBS = sorted({SUB_EMOTIONS.index(sub) for sub in SUB_OF_FINE.values()})


@dataclass
class Rows:
    """The rows of N sentences behind each other: those of sentence i are `at[ends[i] - lengths[i] : ends[i]]`."""

    at: torch.Tensor
    ends: torch.Tensor
    lengths: torch.Tensor

    @classmethod
    def of(cls, texts: Sequence[str], device: torch.device) -> Rows:
        """The rows of texts, on a device."""
        each = [np.array(rows(text), np.int32) for text in texts]
        lengths = np.array([len(one) for one in each], np.int64)
        at = np.concatenate([*each, np.zeros(0, np.int32)])
        return cls(*(torch.from_numpy(a).to(device) for a in (at, np.cumsum(lengths), lengths)))

    def take(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of some sentences behind each other, and where each one's begin."""
        lengths = self.lengths[index]
        ends = lengths.cumsum(0)
        shift = (self.ends[index] - ends).repeat_interleave(lengths)
        return self.at[torch.arange(int(lengths.sum()), device=index.device) + shift].long(), ends - lengths


def targets(sentences: Sequence[Sentence]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Targets and what is known of them, `[N, L]` each, as `IntentBatch` has them."""
    target = np.zeros((len(sentences), _STARTS[-1]), np.float32)
    mask = np.zeros_like(target)
    places = {name: at for at, name in enumerate(SIDE)}
    isear = sum(name.startswith("isear/") for name in SIDE)
    for row, s in enumerate(sentences):
        if s.labels:
            target[row, [LABELS.index(label) for label in s.labels]] = 1
            mask[row, : _STARTS[1]] = 1
        if s.fine:
            target[row, _STARTS[1] + np.array([FINE.index(label) for label in s.fine])] = 1
            mask[row, _STARTS[1] : _STARTS[2]] = 1
            subs = [SUB_EMOTIONS.index(SUB_OF_FINE[label]) for label in s.fine if label in SUB_OF_FINE]
            target[row, _STARTS[2] + np.array(subs, np.int64)] = 1
            mask[row, _STARTS[2] + np.array(_LEARNT_SUBS)] = 1
        if s.source == "rules" and s.labels:
            target[row, _STARTS[2] + np.array([SUB_EMOTIONS.index(sub) for sub in s.subs], np.int64)] = 1
            mask[row, _STARTS[2] : _STARTS[3]] = 1
        if s.side:
            target[row, _STARTS[3] + np.array([places[label] for label in s.side])] = 1
            own = slice(0, isear) if s.side[0].startswith("isear/") else slice(isear, None)
            mask[row, _STARTS[3] :][own] = 1
    return target, mask


def affect_of(sentences: Sequence[Sentence]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Valence, arousal and dominance `[N, 3]`, and how much each rating counts `[N]`: 0 where there is none."""
    affect = np.array([s.affect or (0.0, 0.0, 0.0) for s in sentences], np.float32).reshape(-1, 3)
    counts = [0.0 if not s.affect else _BY_RULE if s.source == "rules" else 1.0 for s in sentences]
    return affect, np.array(counts, np.float32)
