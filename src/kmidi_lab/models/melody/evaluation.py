"""MelodyTransformer beside its baselines: the same notes, the same metrics, source by source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol

import numpy as np

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.baselines import Baselines, fit_baselines, without_cache
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import Melody, notes_of, vectors
from kmidi_lab.models.melody.generation import generation
from kmidi_lab.models.melody.heard import heard_melodies
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.heard import HeardItem
from kmidi_lab.scoring.items import ScoredItem, pitch_roll
from kmidi_lab.scoring.metrics import log_likelihoods, paired_bootstrap

Call = Callable[[np.ndarray], np.ndarray]
_LEAST_NOTES = 300
_TOGETHER = 16


class MelodyData(Protocol):
    """What the evaluator asks of a data module."""

    contract: Contract

    def songs(self, split: str) -> list[Melody]: ...
    def uneven(self) -> str: ...


class MelodyEvaluator(Evaluator):
    """Scores a callable `[S, T, 64] -> [S, T, 128]` on a split, mood unknown; baselines are fitted on `train`."""

    METRICS = {"nll": "min", "perplexity": "min", "top1": "max", "top5": "max"}
    primary = "nll"
    also = ("top1", "top5")
    loss = "nll"
    student_limit = 0.08

    def __init__(self) -> None:
        self._last: tuple[object, object, str, dict[str, np.ndarray], dict[str, object]] | None = None

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: MelodyData, split: str, training: MelodyData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines see the train and val splits of `training`."""
        songs = data.songs(split)
        check_scorable(songs, split, "holds no melodies")
        targets = np.concatenate([s.pitch for s in songs]).astype(np.int64)
        source = np.concatenate([np.full(len(s), s.source) for s in songs])
        p = run(call, songs, data.contract)
        rivals, chosen = self._rivals(data, split, training, songs, targets)
        own = _by_note(p, targets)
        parts = parts_of(split, source, _LEAST_NOTES)
        result = score_alike(_means, own, rivals, parts)
        for name, rows in parts.items():
            result.metrics[name]["events"] = int(rows.sum())
        best = min(rivals, key=lambda b: rivals[b][0].mean())
        piece = np.repeat(np.arange(len(songs)), [len(s) for s in songs])
        difference = own[0] - rivals[best][0]
        result.analysis = {
            "baselines_chosen_on_validation": chosen,
            "against_best_baseline": {
                "baseline": best,
                "nll_difference": float(difference.mean()),
                "relative": float(difference.mean() / rivals[best][0].mean()),
                "ci95": list(paired_bootstrap(difference, piece)),
            },
            "generated": generation(call, songs, data.contract),
            "not_comparable": training.uneven(),
        }
        return result

    @classmethod
    def student_rivals(cls, baselines: Iterable[str]) -> list[str]:
        """Those without the piece's memory, which a recurrent network can't look up either."""
        return without_cache(baselines)

    def items(self, call: Call, head: dict[str, np.ndarray], data: MelodyData, split: str) -> Iterator[ScoredItem]:
        """Melodies; rests are left out of the picture."""
        songs = data.songs(split)
        p = run(call, songs, data.contract)
        ends = np.cumsum([len(s) for s in songs])
        for song, end in zip(songs, ends, strict=True):
            nll = -log_likelihoods(p[end - len(song) : end], song.pitch.astype(np.int64))
            start = np.cumsum(song.duration) - song.duration
            picture = partial(pitch_roll, song.pitch, start, song.duration, nll, "quarter notes")
            yield ScoredItem(song.title or song.id, song.source, float(nll.mean()), len(song), picture)

    def heard(self, call: Call, head: dict[str, np.ndarray], data: MelodyData, split: str) -> Iterator[HeardItem]:
        """Melodies, and others in their rhythm."""
        return heard_melodies(call, data.songs(split), data.contract)

    def _rivals(
        self, data: MelodyData, split: str, training: MelodyData, songs: list[Melody], targets: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, object]]:
        """Scores by note of every baseline; kept, since model and student meet the same ones."""
        if self._last is None or self._last[0] is not data or self._last[1] is not training or self._last[2] != split:
            fitted: Baselines = fit_baselines(training.songs("train"), training.songs("val"))
            scores = {name: _by_note(p, targets) for name, p in fitted.predict(songs).items()}
            self._last = (data, training, split, scores, fitted.chosen)
        return self._last[3], self._last[4]


def run(call: Call, songs: Sequence[Melody], contract: Contract = MELODY) -> np.ndarray:
    """`[E, 128]` float32 over the notes of all songs in their order; melodies of like length are called together."""
    out: list[np.ndarray] = [np.zeros(0)] * len(songs)
    order = np.argsort([-len(s) for s in songs], kind="stable")
    for at in range(0, len(order), _TOGETHER):
        chosen = order[at : at + _TOGETHER]
        padded = np.zeros((len(chosen), len(songs[chosen[0]]), MELODY.input_size), np.float32)
        for row, i in enumerate(chosen):
            padded[row, : len(songs[i])] = vectors(notes_of(songs[i]), contract)
        for i, p in zip(chosen, call(padded), strict=True):
            out[i] = p[: len(songs[i])]
    return np.concatenate(out)


def _by_note(p: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """`[3, E]` nats, and whether the note was the most probable or among the five most probable."""
    better = (p > p[np.arange(len(targets)), targets][:, None]).sum(1)
    return np.stack([-log_likelihoods(p, targets), better < 1, better < 5])


def _means(scores: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    nll, top1, top5 = (float(v) for v in scores[:, rows].mean(1))
    return {"nll": nll, "perplexity": float(np.exp(nll)), "top1": top1, "top5": top5}
