"""StructurePredictor beside its baselines: the same events, the same metrics, source by source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from kmidi_lab.models.structure.baselines import Prediction, fit_baselines
from kmidi_lab.models.structure.decoding import Head, length_probabilities, section_probabilities
from kmidi_lab.models.structure.features import UNKNOWN, EncodedForms, bare, told, untold
from kmidi_lab.models.structure.form import END, TYPES, Form
from kmidi_lab.models.structure.song_memory import earlier_lengths, with_repeats
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.items import Roll, ScoredItem
from kmidi_lab.scoring.matches import with_matches
from kmidi_lab.scoring.metrics import CLASSIFICATION, classification, confusion, log_likelihoods, reliability

Call = Callable[[np.ndarray], np.ndarray]
_MIN_EVENTS_FOR_SOURCE = 30
_KNOWLEDGE = {"told": lambda e: told(e.x, e.wish), "bare": lambda e: bare(e.x)}


class StructureData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> list[Form]: ...
    def encoded(self, split: str) -> EncodedForms: ...


class StructureEvaluator(Evaluator):
    """Scores a callable `[E, 64] -> [E, 32]` with its head on a split, song memory included; baselines are fitted on `train`.

    The scores are those of a song whose length nobody has told; `told_…` are those with a wish that is off by up to a
    tenth, `bare_…` those with the types of the sections so far and nothing else, as n-grams know them; `network_…` are
    those of the network without the song's memory. Length is scored
    given the true type, where bars were counted.
    """

    METRICS = {
        **CLASSIFICATION,
        "network_nll": "min",
        "network_perplexity": "min",
        "network_top1": "max",
        "length_perplexity": "min",
        "length_top1": "max",
        "told_perplexity": "min",
        "told_top1": "max",
        "bare_perplexity": "min",
        "bare_top1": "max",
    }
    primary = "perplexity"
    also = ("top1",)
    loss = "network_nll"

    def __call__(self, call: Call, head: Head, data: StructureData, split: str, training: StructureData) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        songs = data.songs(split)
        check_scorable(songs, split, "holds no songs")
        e = data.encoded(split)
        outputs = call(untold(e.x))
        lengths = given_the_type(length_probabilities(outputs, head), e.token)
        lengths = with_repeats(lengths, *earlier_lengths(songs), head["repeat_weight"])
        own = remembered(section_probabilities(outputs), songs, head), lengths
        train = training.songs("train")
        fitted = fit_baselines(train, training.songs("val"), training.encoded("train"))
        rivals = {name: baseline(songs, e) for name, baseline in fitted.items()}
        source = np.array([songs[i].source for i in e.song])
        parts = parts_of(split, source, _MIN_EVENTS_FOR_SOURCE)
        result = score_alike(lambda q, rows: _scores(q, rows, e), own, rivals, parts)
        knowing = {name: remembered(section_probabilities(call(x(e))), songs, head) for name, x in _KNOWLEDGE.items()}
        knowing["network"] = section_probabilities(outputs)
        for name, rows in parts.items():
            for knowledge, p in knowing.items():
                scores = classification(p[rows], e.token[rows])
                result.metrics[name] |= {f"{knowledge}_{metric}": scores[metric] for metric in ("perplexity", "top1")}
                if knowledge == "network":
                    result.metrics[name]["network_nll"] = scores["nll"]
            result.metrics[name]["events"] = int(rows.sum())
        result.analysis = _analysis(own[0], e)
        return result

    def items(self, call: Call, head: Head, data: StructureData, split: str) -> Iterator[ScoredItem]:
        """Songs; the picture is the form, a row for each type of section, and a short one for its end."""
        songs, e = data.songs(split), data.encoded(split)
        nll = -log_likelihoods(remembered(section_probabilities(call(untold(e.x))), songs, head), e.token)
        for place, song in enumerate(songs):
            own = nll[e.song == place]
            yield ScoredItem(song.title or song.id, song.source, float(own.mean()), len(own), partial(_roll, song, own))


def _roll(song: Form, nll: np.ndarray) -> Roll:
    """In bars where all are counted, else in seconds."""
    bars = [section.bars for section in song.sections]
    length = np.array([*(bars if all(bars) else [section.seconds for section in song.sections]), 1.0], float)
    rows = (*TYPES, "END")
    return Roll(np.cumsum(length) - length, length, np.array(song.tokens), nll, rows, "bars" if all(bars) else "s")


def remembered(p: np.ndarray, songs: Sequence[Form], head: Head) -> np.ndarray:
    """`[E, 13]` probabilities of all sections of some songs, mixed with each song's memory."""
    ends = np.cumsum([len(s.tokens) for s in songs])[:-1]
    rows = zip(np.split(p, ends), songs, strict=True)
    return np.concatenate([with_matches(own, song.tokens, head["memory_weight"]) for own, song in rows])


def given_the_type(lengths: np.ndarray, token: np.ndarray) -> np.ndarray:
    """`[E, 8]` of the type that came, from `[E, 12, 8]`; END has no length, so any row will do."""
    return lengths[np.arange(len(token)), np.where(token == END, 0, token)]


def _scores(q: Prediction, rows: np.ndarray, e: EncodedForms) -> dict[str, float]:
    scores = classification(q[0][rows], e.token[rows])
    counted = rows & (e.length != UNKNOWN)
    if counted.any():
        length = classification(q[1][counted], e.length[counted])
        scores |= {"length_perplexity": length["perplexity"], "length_top1": length["top1"]}
    return scores


def _analysis(p: np.ndarray, e: EncodedForms) -> dict[str, Any]:
    labels = [*TYPES, "END"]
    return {
        "confusion_section": {"labels": labels, "counts": confusion(p.argmax(1), e.token, len(labels))},
        "reliability": reliability(p, e.token),
    }
