"""EmotionNodeClassifier beside its baselines: every head, keys as MIREX counts them, and whether the heads agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.decibels import softer
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.contract_features import LEVEL_FEATURES
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.emotion_node.baselines import Predict, fit_baselines
from kmidi_lab.models.emotion_node.conditions import IN_ONE_KEY, sounding
from kmidi_lab.models.emotion_node.features import BASES, HEADS, QUADRANTS
from kmidi_lab.models.emotion_node.hearing import HeardClips, heard
from kmidi_lab.models.emotion_node.scores import labels_of, probabilities, quadrants, score
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, score_alike
from kmidi_lab.scoring.items import Frames, ScoredItem
from kmidi_lab.scoring.metrics import confusion, log_likelihoods, so_far

Call = Callable[[np.ndarray], np.ndarray]
SECONDS = (1.0, 2.0, 3.0)
_EARLY = ("base_accuracy", "node_accuracy")
"""Metrics that are also told of the first seconds."""
_SOFTER_DB = 12.0


class NodeData(Protocol):
    """What the evaluator asks of a data module."""

    contract: Contract

    def songs(self, split: str) -> Sequence[Clip]: ...
    def in_conditions(self, split: str) -> Sequence[Clip]: ...


class NodeEvaluator(Evaluator):
    """Scores a callable over sequences `[1, T, 128] -> [1, T, 258]`, each clip from a reset on.

    A clip is read from the mean of its outputs; `node_accuracy_at_1_s` … from the mean of those that were out by then.
    Heads are scored on the clips that were made for a node, `quadrant_accuracy` (from the sums of the nodes' probabilities)
    on those that listeners put in one, with `valence_accuracy` and `arousal_accuracy`, its two halves.
    `sub_accuracy` wants base and sub right. `key_invariance` is the share of pairs of clips alike but for the key that
    get the same node, `base_invariance` the same base, over all clips; `…_played` over those that were not made by rule.
    `softer_base_invariance` is the share of clips that get the same base 12 dB softer. `hierarchy_consistency` is the share
    of clips whose likeliest node lies in the likeliest base and sub. `node_in_one_key_hum` … are of test clips in one key,
    read from where sound begins, as recorded and in other recording conditions; `same_node_in_one_key_hum` is the share
    that gets the node that it gets as recorded.
    """

    METRICS = {
        "node_accuracy": "max",
        "node_top3": "max",
        "base_accuracy": "max",
        "sub_accuracy": "max",
        "intensity_accuracy": "max",
        "intensity_mae": "min",
        "key_accuracy": "max",
        "key_mirex": "max",
        "key_invariance": "max",
        "base_invariance": "max",
        "key_invariance_played": "max",
        "base_invariance_played": "max",
        "softer_base_invariance": "max",
        "hierarchy_consistency": "max",
        "base_from_nodes_accuracy": "max",
        "quadrant_accuracy": "max",
        "valence_accuracy": "max",
        "arousal_accuracy": "max",
        "quadrant_nll": "min",
        "loss": "min",
        "node_ece": "min",
        "quadrant_ece": "min",
        **{f"{name}_at_{seconds:g}_s": "max" for name in _EARLY for seconds in SECONDS},
        **{f"{name}{condition}": "max" for name in IN_ONE_KEY for condition in ("", *(f"_{c}" for c in CHANGES))},
    }
    COUNTS = ("events", "listened", "frames")
    primary = "node_accuracy"
    also = ("quadrant_accuracy", "base_accuracy", "sub_accuracy", "node_top3", "key_accuracy")
    loss = "loss"
    """The sum of the heads' cross-entropies."""

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: NodeData, split: str, training: NodeData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        clips, features = data.songs(split), data.contract.features
        frames = heard([clip.sound.frames for clip in clips], features)
        means = np.stack([_means(call(f[None])[0]) for f in frames])
        own = probabilities(means[:, -1])
        fitted = _fitted(training, features)
        baselines = {name: predict(frames) for name, predict in fitted.items()}
        result = score_alike(lambda p, _: score(p, clips), own, baselines, {split: clips})
        metrics = result.metrics[split]
        made = np.array(["node" in clip.labels for clip in clips])
        for place, seconds in enumerate(SECONDS):
            early = score(probabilities(means[:, place]), clips)
            metrics |= {f"{name}_at_{seconds:g}_s": early[name] for name in _EARLY}
        soft = heard([softer(clip.sound.frames, _SOFTER_DB) for clip in clips], features)
        bases = probabilities(np.stack([call(f[None])[0].mean(0) for f in soft]))["base"].argmax(1)
        metrics["softer_base_invariance"] = float((bases == own["base"].argmax(1)).mean())
        listened = sum("quadrant" in clip.labels for clip in clips)
        metrics |= {"events": int(made.sum()), "listened": listened, "frames": sum(map(len, frames))}
        counts = confusion(own["base"][made].argmax(1), labels_of(clips)[made, 0], len(BASES))
        changed = data.in_conditions(split) if features == LEVEL_FEATURES else ()
        for name, p_of in _conditions(call, fitted, changed).items():
            (result.baselines[split][name] if name else metrics).update(p_of)
        result.analysis = {"confusion_base": {"labels": list(BASES), "counts": counts}}
        if listened:
            rows = [i for i, clip in enumerate(clips) if "quadrant" in clip.labels]
            true = np.array([clips[i].labels["quadrant"] for i in rows])
            counts = confusion(quadrants(own["node"][rows]).argmax(1), true, len(QUADRANTS))
            result.analysis["confusion_quadrant"] = {"labels": list(QUADRANTS), "counts": counts}
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: NodeData, split: str) -> Iterator[ScoredItem]:
        """Clips, each by the mean cross-entropy of what is known of it."""
        clips, features = data.songs(split), data.contract.features
        inputs = heard([clip.sound.frames for clip in clips], features)
        p = probabilities(np.stack([call(x[None])[0].mean(0) for x in inputs]))
        for place, (clip, true) in enumerate(zip(clips, labels_of(clips), strict=True)):
            known = {name: int(k) for name, k in zip((*HEADS, "quadrant"), true, strict=True) if k >= 0}
            losses = [-log_likelihoods(p[name][[place]], np.array([k]))[0] for name, k in known.items()]
            if not losses:
                continue
            name, words = ("base", BASES) if "base" in known else ("quadrant", QUADRANTS)
            said = f"{words[known[name]]}, heard as {words[p[name][place].argmax()]}" if name in known else ""
            picture = partial(Frames, clip.sound.frames, FRAME_S)
            yield ScoredItem(clip.id, clip.source, float(np.mean(losses)), len(losses), picture, said)


def _means(outputs: NDArray[np.floating]) -> NDArray[np.floating]:
    """Outputs `[T, 258]` to their means after each of SECONDS and over all, `[4, 258]`."""
    return np.stack([*(so_far(outputs, seconds) for seconds in SECONDS), outputs.mean(0)])


def _conditions(call: Call, rivals: Mapping[str, Predict], clips: Sequence[Clip]) -> dict[str, dict[str, float]]:
    """The scores of the model, named "", and of each baseline by condition; none without clips."""
    if not clips:
        return {}
    out: dict[str, dict[str, float]] = {who: {} for who in ("", *rivals)}
    clean: dict[str, NDArray[np.int64]] = {}
    for place, condition in enumerate(("", *(f"_{name}" for name in CHANGES))):
        sounds = sounding([clip.sound.variants[place - 1] if place else clip.sound.frames for clip in clips])
        heard_of = [sound.frames[sound.counts] for sound in sounds]
        outputs = [call(sound.frames[None])[0][sound.counts].mean(0) for sound in sounds]
        answers = {"": probabilities(np.stack(outputs))} | {name: rival(heard_of) for name, rival in rivals.items()}
        for who, p in answers.items():
            own, nodes = score(p, clips), p["node"].argmax(1)
            out[who] |= {f"{name}{condition}": own[key] for name, key in IN_ONE_KEY.items() if key in own}
            same = float((nodes == clean.setdefault(who, nodes)).mean())
            out[who][f"same_node_in_one_key{condition}"] = same
    return out


def _fitted(training: NodeData, features: str) -> dict[str, Predict]:
    parts = [training.songs(name) for name in ("train", "val")]
    sounds = [HeardClips(part, features) for part in parts]
    return fit_baselines(sounds[0], labels_of(parts[0]), sounds[1], labels_of(parts[1]))
