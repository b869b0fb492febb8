"""InstrumentRecognizer beside its baselines: slice by slice, on takes and programs it never heard, and as it listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.instrument.analysis import analysis_of
from kmidi_lab.models.instrument.baselines import Predict, Probabilities, fit_baselines
from kmidi_lab.models.instrument.features import (
    CONDITIONS,
    INSTRUMENTS,
    ORDINAL,
    TRAINED,
)
from kmidi_lab.models.instrument.hearing import SoundInputs, heard_sounds, mean_outputs
from kmidi_lab.models.instrument.scores import MACRO, STREAMED, accuracies_of, probabilities, rows_of, score
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.items import Frames, ScoredItem
from kmidi_lab.scoring.metrics import (
    log_likelihoods,
    so_far,
)

Call = Callable[[np.ndarray], np.ndarray]
SECONDS = (0.25, 0.5, 1.0)


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
        **{f"{name}_f1": "max" for name in MACRO},
        **{f"{name}_mae": "min" for name in ORDINAL},
        **{f"{name}_at_{seconds:g}_s": "max" for name in STREAMED for seconds in SECONDS},
        **{f"{name}_after_reset": "max" for name in STREAMED},
        **{f"{name}_{condition}": "max" for name in STREAMED for condition in CONDITIONS},
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
            return score(rows_of(p, rows), list(compress(labels, rows)))

        parts = parts_of(split, np.array([clip.source for clip in clips]))
        if len(parts) == 2:  # the one source is the whole split
            del parts[f"{split}/{clips[0].source}"]
        result = score_alike(scores, own, rivals, parts)
        for name, rows in parts.items():
            there = list(compress(labels, rows))
            for seconds, p in early.items():
                accuracies = accuracies_of(rows_of(p, rows), there)
                result.metrics[name] |= {f"{s}_at_{seconds:g}_s": v for s, v in accuracies.items()}
            accuracies = accuracies_of(rows_of(alone, rows), there)
            result.metrics[name] |= {f"{s}_after_reset": v for s, v in accuracies.items()}
            result.metrics[name] |= {"events": len(there), "frames": sum(len(h.inputs) for h in compress(heard, rows))}
        for condition, sounds in data.conditions(split).items():
            _score_changed(call, result, data, condition, sounds, clips, parts, fitted)
        result.analysis = analysis_of(own, labels, training.songs("train"))
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


def _score_changed(
    call: Call,
    result: Evaluation,
    data: InstrumentData,
    condition: str,
    sounds: Mapping[str, NDArray[np.floating]],
    clips: Sequence[Clip],
    parts: Mapping[str, NDArray[np.bool_]],
    fitted: Mapping[str, Predict],
) -> None:
    """Adds the accuracies in one recording condition, of the parts that all clips of were changed.

    Args:
        call: the network.
        result: gets them.
        data: say what inputs are made of.
        condition: its name.
        sounds: the changed frames `[T, 128]`, by clip.
        clips: of the split.
        parts: which of them are in each part of the split.
        fitted: the baselines.
    """
    changed = np.array([clip.id in sounds for clip in clips])
    heard = heard_sounds([sounds[clip.id] for clip in compress(clips, changed)], data.contract.features)
    there = [clip.labels for clip in compress(clips, changed)]
    answers = {"": probabilities(mean_outputs([call(sound.inputs[None])[0] for sound in heard], heard))}
    answers |= {name: predict(_counted(heard)) for name, predict in fitted.items()}
    for name, rows in parts.items():
        if not changed[rows].all():
            continue
        inside = rows[changed]
        for who, p in answers.items():
            place = result.baselines[name][who] if who else result.metrics[name]
            accuracies = accuracies_of(rows_of(p, inside), list(compress(there, inside)))
            place |= {f"{s}_{condition}": v for s, v in accuracies.items()}


def _counted(heard: Sequence[SoundInputs]) -> list[NDArray[np.float32]]:
    return [sound.inputs[sound.counts] for sound in heard]


def _fitted(training: InstrumentData, features: str) -> dict[str, Predict]:
    """The baselines, which get the frames that count."""
    train, val = training.songs("train"), training.songs("val")
    train_x, val_x = (_counted(heard_sounds([c.sound.frames for c in part], features)) for part in (train, val))
    return fit_baselines(train_x, [c.labels for c in train], val_x, [c.labels for c in val])
