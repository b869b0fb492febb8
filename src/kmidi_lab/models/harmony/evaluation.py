"""HarmonyPredictor beside its baselines: the same events, the same metrics, source by source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from kmidi_lab.chords.chord import QUALITIES, Song
from kmidi_lab.models.harmony.baselines import CachedNGram, ChordNGram, TokenSong, fit_baselines
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.decoding import joint_probabilities, song_probabilities
from kmidi_lab.models.harmony.encoding import EncodedSongs
from kmidi_lab.run_analysis import Note
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.items import Roll, ScoredItem
from kmidi_lab.scoring.metrics import (
    CLASSIFICATION,
    classification,
    confusion,
    log_likelihoods,
    paired_bootstrap,
    reliability,
    top_k,
)

DEGREES = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII")
Call = Callable[[np.ndarray], np.ndarray]
_OUT = {s.name: s.index for s in HARMONY.outputs}
_MIN_EVENTS_FOR_SOURCE = 30


class HarmonyData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> list[Song]: ...
    def sequences(self, split: str) -> list[TokenSong]: ...
    def encoded(self, split: str) -> EncodedSongs: ...


class HarmonyEvaluator(Evaluator):
    """Scores a callable `[E, 128] -> [E, 64]` with its head on a split, and fits the baselines on `train`.

    The scores are those of the head file's decode, song memory included; `network_…` are those of the network alone.
    """

    METRICS = {
        **CLASSIFICATION,
        "network_nll": "min",
        "network_perplexity": "min",
        "network_top1": "max",
        "root_top1": "max",
        "root_slice_top1": "max",
        "quality_slice_top1": "max",
        "bass_top1": "max",
        "voice_leading_mae": "min",
    }
    primary = "perplexity"
    also = ("top1",)
    loss = "network_nll"

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: HarmonyData, split: str, training: HarmonyData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        songs = data.sequences(split)
        check_scorable(songs, split, "holds no songs")
        encoded = data.encoded(split)
        outputs = call(encoded.x)
        alone = joint_probabilities(outputs, head)
        p = song_probabilities(outputs, [s.tokens for s in songs], head)
        source = np.array([s.source for s in songs for _ in s.tokens])
        baselines = {
            name: np.concatenate([model.predict(s) for s in songs])
            for name, model in fit_baselines(training.sequences("train"), training.sequences("val")).items()
        }
        targets = encoded.joint
        parts = parts_of(split, source, _MIN_EVENTS_FOR_SOURCE)
        result = score_alike(lambda q, rows: _scores(q[rows], targets[rows]), p, baselines, parts)
        for name, rows in parts.items():
            network = classification(alone[rows], targets[rows])
            result.metrics[name] |= {
                **_marginals(outputs[rows], encoded, rows),
                **{f"network_{n}": network[n] for n in ("nll", "perplexity", "top1")},
                "events": int(rows.sum()),
            }
        for name in sorted({s.source for s in songs}):
            part, own = f"{split}/{name}", [s for s in training.sequences("train") if s.source == name]
            if part in result.metrics and own:
                tuned = [s for s in training.sequences("val") if s.source == name]
                rival = CachedNGram(ChordNGram(4, own)).tune(tuned)
                q = np.concatenate([rival.predict(s) for s in songs if s.source == name])
                result.baselines[part][f"4-gram+cache of {name} only"] = _scores(q, targets[source == name])
        result.analysis = _analysis(call, head, encoded, p, songs)
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: HarmonyData, split: str) -> Iterator[ScoredItem]:
        """Songs; the picture has a row for each root, counted from the tonic."""
        encoded = data.encoded(split)
        p = song_probabilities(call(encoded.x), [s.tokens for s in data.sequences(split)], head)
        nll = -log_likelihoods(p, encoded.joint)
        for place, song in enumerate(data.songs(split)):
            rows = encoded.song == place
            yield ScoredItem(
                song.title or song.id, song.source, float(nll[rows].mean()), int(rows.sum()),
                partial(_roll, song, encoded.joint[rows] // len(QUALITIES), nll[rows]),
            )  # fmt: skip

    @staticmethod
    def notes(analysis: Mapping[str, Any]) -> list[Note]:
        """Whether knowing the emotion helps, where the emotion of some events is known."""
        emotion = analysis.get("emotion")
        return [Note("Does knowing the emotion help?", _emotion_note(emotion))] if emotion else []


def _roll(song: Song, degree: np.ndarray, nll: np.ndarray) -> Roll:
    """In bars where the source has a metre, else a chord after the other."""
    bars = [event.bars for event in song.events]
    if all(bars):
        length = np.array(bars, float)
        return Roll(np.cumsum(length) - length, length, degree, nll, DEGREES, "bars")
    return Roll(np.arange(len(bars), dtype=float), np.ones(len(bars)), degree, nll, DEGREES, "chords")


def _scores(p: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    roots = p.reshape(-1, 12, len(QUALITIES)).sum(2)
    return {**classification(p, targets), "root_top1": top_k(roots, targets // len(QUALITIES), 1)}


def _marginals(outputs: np.ndarray, e: EncodedSongs, rows: np.ndarray) -> dict[str, float]:
    """Scores of the slices a simple reader uses by themselves."""
    moves = np.abs(outputs[:, _OUT["voice_leading"]] - e.voices[rows])
    return {
        "root_slice_top1": float((outputs[:, _OUT["root"]].argmax(1) == e.root[rows]).mean()),
        "quality_slice_top1": float((outputs[:, _OUT["quality"]].argmax(1) == e.quality[rows]).mean()),
        "bass_top1": float((outputs[:, _OUT["bass"]].argmax(1) == e.bass[rows]).mean()),
        "voice_leading_mae": float(moves.mean()),
    }


def _analysis(
    call: Call, head: dict[str, np.ndarray], e: EncodedSongs, p: np.ndarray, songs: Sequence[TokenSong]
) -> dict[str, Any]:
    best = p.argmax(1)
    n = len(QUALITIES)
    out: dict[str, Any] = {
        "confusion_root": {"labels": list(DEGREES), "counts": confusion(best // n, e.joint // n, 12)},
        "confusion_quality": {"labels": list(QUALITIES), "counts": confusion(best % n, e.joint % n, n)},
        "reliability": reliability(p, e.joint),
    }
    known = np.abs(e.x[:, HARMONY.input("emotion").index]).sum(1) > 0
    if known.any():
        blind = e.x.copy()
        blind[:, HARMONY.input("emotion").index] = 0.0
        targets = e.joint[known]
        with_emotion = p[known]
        without = song_probabilities(call(blind), [s.tokens for s in songs], head)[known]
        difference = log_likelihoods(without, targets) - log_likelihoods(with_emotion, targets)
        out["emotion"] = {
            "events": int(known.sum()),
            "songs": len(np.unique(e.song[known])),
            "perplexity_known": classification(with_emotion, targets)["perplexity"],
            "perplexity_unknown": classification(without, targets)["perplexity"],
            "top1_known": classification(with_emotion, targets)["top1"],
            "top1_unknown": classification(without, targets)["top1"],
            "nll_difference": float(difference.mean()),  # known minus unknown: below 0 it helps
            "ci95": list(paired_bootstrap(difference, e.song[known])),
        }
    return out


def _emotion_note(e: Mapping[str, Any]) -> str:
    """In words, with the interval, from the numbers of `_analysis`."""
    songs = f" in {e['songs']:,} songs" if "songs" in e else ""
    top1 = f"; top1 {e['top1_known']:.3f} and {e['top1_unknown']:.3f}" if "top1_known" in e else ""
    low, high = e["ci95"]
    difference, least, most = (f"{value:.3f}".replace("-", "−") for value in (e["nll_difference"], low, high))
    outcome = "the interval holds zero, so this is no evidence that it helps"
    if high < 0 or low > 0:
        outcome = "it helps" if high < 0 else "it hurts"
    return (
        f"On the {e['events']:,} events{songs} whose emotion is known, perplexity is {e['perplexity_known']:.3f} with the "
        f"emotion and {e['perplexity_unknown']:.3f} without it{top1}. The difference in NLL is {difference} nats "
        f"(95 % interval {least} to {most}, negative means the emotion helps): {outcome}."
    )
