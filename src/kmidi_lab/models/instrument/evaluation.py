"""InstrumentRecognizer beside its baselines: slice by slice, on takes and programs it never heard, and as it listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.instrument.baselines import Predict, Probabilities, fit_baselines, labelled
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import (
    CLASSES,
    CONDITIONS,
    EVIDENCE,
    FAMILIES,
    INSTRUMENTS,
    LOSS_WEIGHTS,
    ORDINAL,
    TRAINED,
    Labels,
)
from kmidi_lab.models.instrument.hearing import SoundInputs, heard_sounds, mean_outputs
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.items import Frames, ScoredItem
from kmidi_lab.scoring.metrics import (
    confusion,
    expected_calibration_error,
    log_likelihoods,
    reliability,
    so_far,
    softmax,
)

Call = Callable[[np.ndarray], np.ndarray]
SECONDS = (0.25, 0.5, 1.0)
_STREAMED = ("instrument", "family")
_MACRO = ("technique", "articulation")
"""Slices whose places are so unevenly common that each counts the same."""


class InstrumentData(Protocol):
    """What the evaluator asks of a data module."""

    contract: Contract

    def songs(self, split: str) -> Sequence[Clip]: ...
    def conditions(self, split: str) -> Mapping[str, Mapping[str, NDArray[np.floating]]]: ...


class InstrumentEvaluator(Evaluator):
    """Scores a callable over sequences `[1, T, 128] -> [1, T, 160]`, each clip from a reset on.

    A clip is read from the mean of its outputs to the frames that count (hearing.py), as a listener would;
    `instrument_at_0.25_s` … from the mean of those that were out by then. Every slice is scored on the clips that have a
    label for it: accuracy, macro-F1 over the places there are (technique, articulation), and the mean distance in places
    where they are in order. Each source has a split of its own, `test/<source>`. `instrument_hum` … are accuracies of the
    same clips in other recording conditions, for sources that the data hold them of.
    """

    METRICS = {
        **{f"{name}_accuracy": "max" for name in TRAINED},
        **{f"{name}_f1": "max" for name in _MACRO},
        **{f"{name}_mae": "min" for name in ORDINAL},
        **{f"{name}_at_{seconds:g}_s": "max" for name in _STREAMED for seconds in SECONDS},
        **{f"{name}_after_reset": "max" for name in _STREAMED},
        **{f"{name}_{condition}": "max" for name in _STREAMED for condition in CONDITIONS},
        "ece": "min",
        "loss": "min",
    }
    COUNTS = ("events", "frames")
    primary = "instrument_accuracy"
    also = ("family_accuracy", "technique_f1")
    loss = "loss"
    """Cross-entropies of the slices by their weights."""

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: InstrumentData, split: str, training: InstrumentData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        clips = data.songs(split)
        check_scorable(any("instrument" in clip.labels for clip in clips), split, "names no instrument")
        features = data.contract.features
        heard = heard_sounds([clip.sound.frames for clip in clips], features)
        outputs = [call(sound.inputs[None])[0] for sound in heard]
        own = probabilities(mean_outputs(outputs, heard))
        early = {
            s: probabilities(np.stack([so_far(o, s, h.counts) for o, h in zip(outputs, heard, strict=True)]))
            for s in SECONDS
        }
        alone = probabilities(mean_outputs([call(sound.inputs[:, None])[:, 0] for sound in heard], heard))
        fitted = _fitted(training, features)
        rivals = {name: predict(_counted(heard)) for name, predict in fitted.items()}
        labels = [clip.labels for clip in clips]

        def scores(p: Probabilities, rows: NDArray[np.bool_]) -> dict[str, float]:
            return score(_rows(p, rows), list(compress(labels, rows)))

        parts = parts_of(split, np.array([clip.source for clip in clips]))
        if len(parts) == 2:  # the one source is the whole split
            del parts[f"{split}/{clips[0].source}"]
        result = score_alike(scores, own, rivals, parts)
        for name, rows in parts.items():
            there = list(compress(labels, rows))
            for seconds, p in early.items():
                accuracies = _accuracies(_rows(p, rows), there)
                result.metrics[name] |= {f"{s}_at_{seconds:g}_s": v for s, v in accuracies.items()}
            accuracies = _accuracies(_rows(alone, rows), there)
            result.metrics[name] |= {f"{s}_after_reset": v for s, v in accuracies.items()}
            result.metrics[name] |= {"events": len(there), "frames": sum(len(h.inputs) for h in compress(heard, rows))}
        for condition, sounds in data.conditions(split).items():
            changed = np.array([clip.id in sounds for clip in clips])
            heard = heard_sounds([sounds[clip.id] for clip in compress(clips, changed)], features)
            there = list(compress(labels, changed))
            answers = {"": probabilities(mean_outputs([call(sound.inputs[None])[0] for sound in heard], heard))}
            answers |= {name: predict(_counted(heard)) for name, predict in fitted.items()}
            for name, rows in parts.items():
                if changed[rows].all():
                    inside = rows[changed]
                    for who, p in answers.items():
                        place = result.baselines[name][who] if who else result.metrics[name]
                        accuracies = _accuracies(_rows(p, inside), list(compress(there, inside)))
                        place |= {f"{s}_{condition}": v for s, v in accuracies.items()}
        result.analysis = _analysis(own, labels, training.songs("train"))
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: InstrumentData, split: str) -> Iterator[ScoredItem]:
        """Clips whose instrument is known, by the loss on it."""
        clips = [clip for clip in data.songs(split) if "instrument" in clip.labels]
        for clip in clips:
            [sound] = heard_sounds([clip.sound.frames], data.contract.features)
            p = probabilities(mean_outputs([call(sound.inputs[None])[0]], [sound]))["instrument"]
            true = np.array([clip.labels["instrument"]])
            said = f"{INSTRUMENTS[true[0]]}, heard as {INSTRUMENTS[p[0].argmax()]}"
            loss = float(-log_likelihoods(p, true)[0])
            yield ScoredItem(clip.id, clip.source, loss, 1, partial(Frames, clip.sound.frames, FRAME_S), said)


def _counted(heard: Sequence[SoundInputs]) -> list[NDArray[np.float32]]:
    return [sound.inputs[sound.counts] for sound in heard]


def _fitted(training: InstrumentData, features: str) -> dict[str, Predict]:
    """The baselines, which get the frames that count."""
    train, val = training.songs("train"), training.songs("val")
    train_x, val_x = (_counted(heard_sounds([c.sound.frames for c in part], features)) for part in (train, val))
    return fit_baselines(train_x, [c.labels for c in train], val_x, [c.labels for c in val])


def probabilities(outputs: NDArray[np.floating]) -> Probabilities:
    """`[N, 160]` to the probabilities `[N, K]` of each trained slice's places."""
    return {name: softmax(outputs[:, INSTRUMENT.output(name).index].astype(np.float64)) for name in TRAINED}


def score(p: Probabilities, labels: Sequence[Labels]) -> dict[str, float]:
    """Every metric of every slice that any of the clips has a label for."""
    out: dict[str, float] = {}
    loss = 0.0
    for name in TRAINED:
        rows, true = labelled(name, labels)
        if not len(rows):
            continue
        own = p[name][rows]
        loss += LOSS_WEIGHTS[name] * float(-log_likelihoods(own, true).mean())
        out[f"{name}_accuracy"] = float((own.argmax(1) == true).mean())
        if name in _MACRO:
            out[f"{name}_f1"] = macro_f1(own.argmax(1), true)
        if name in ORDINAL:
            out[f"{name}_mae"] = float(np.abs(median_place(own) - true).mean())
        if name == "instrument":
            out["ece"] = expected_calibration_error(own, true)
    out["loss"] = loss
    return out


def macro_f1(predicted: NDArray[np.integer], true: NDArray[np.integer]) -> float:
    """Mean F1 over the places that occur in `true`."""
    scores = []
    for place in np.unique(true):
        hits = ((predicted == place) & (true == place)).sum()
        scores.append(2 * hits / ((predicted == place).sum() + (true == place).sum()))
    return float(np.mean(scores))


def median_place(p: NDArray[np.floating]) -> NDArray[np.int64]:
    """`[N]`: the place that half of the probability lies at or below, which is nearest on average."""
    return np.asarray((p.cumsum(1) >= 0.5 - 1e-9).argmax(1), np.int64)


def _rows(p: Probabilities, rows: NDArray[np.bool_]) -> Probabilities:
    return {name: values[rows] for name, values in p.items()}


def _accuracies(p: Probabilities, labels: Sequence[Labels]) -> dict[str, float]:
    out = {}
    for name in _STREAMED:
        rows, true = labelled(name, labels)
        if len(rows):
            out[name] = float((p[name][rows].argmax(1) == true).mean())
    return out


def _analysis(p: Probabilities, labels: Sequence[Labels], train: Sequence[Clip]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, names in (("family", FAMILIES), ("instrument", INSTRUMENTS), ("technique", CLASSES["technique"])):
        rows, true = labelled(name, labels)
        table = np.array(confusion(p[name][rows].argmax(1), true, len(names)))
        used = np.flatnonzero(table.sum(0) + table.sum(1))
        counts = [[int(n) for n in row] for row in table[np.ix_(used, used)]]
        out[f"confusion_{name}"] = {"labels": [names[i] for i in used], "counts": counts}
    rows, true = labelled("instrument", labels)
    out["reliability"] = reliability(p["instrument"][rows], true)
    out["slices"] = [_taught(s.name, train) for s in INSTRUMENT.outputs]
    return out


def _taught(name: str, train: Sequence[Clip]) -> Mapping[str, Any]:
    """What the training clips say of a slice: by source how many have a label for it, and which places none has."""
    counts: dict[str, int] = {}
    places: set[int] = set()
    for clip in train:
        if name in clip.labels:
            counts[clip.source] = counts.get(clip.source, 0) + 1
            places.add(clip.labels[name])
    never = [c for i, c in enumerate(CLASSES.get(name, ())) if i not in places] if counts else []
    return {
        "slice": name,
        "trained": bool(counts),
        "evidence": EVIDENCE.get(name, "none") if counts else "none",
        "clips": counts,
        "never_heard": never,
    }
