"""EmotionNodeClassifier beside its baselines: every head, keys as MIREX counts them, and whether the heads agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.models.emotion_node.baselines import Probabilities, fit_baselines
from kmidi_lab.models.emotion_node.features import BASES, HEADS, PER_BASE, PER_SUB, marginals, targets
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, score_alike
from kmidi_lab.scoring.metrics import confusion, log_likelihoods, so_far, softmax

Call = Callable[[np.ndarray], np.ndarray]
SECONDS = (1.0, 2.0, 3.0)
_EARLY = ("base_accuracy", "node_accuracy")
"""Metrics that are also told of the first seconds."""
_TOP = 3


class NodeData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> Sequence[Clip]: ...


class NodeEvaluator(Evaluator):
    """Scores a callable over sequences `[1, T, 128] -> [1, T, 258]`, each clip from a reset on.

    A clip is read from the mean of its outputs; `node_accuracy_at_1_s` … from the mean of those that were out by then.
    `sub_accuracy` wants base and sub right. `key_invariance` is the share of pairs of clips alike but for the key that
    get the same node. `hierarchy_consistency` is the share of clips whose likeliest node lies in the likeliest base and sub.
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
        "hierarchy_consistency": "max",
        "base_from_nodes_accuracy": "max",
        "loss": "min",
        **{f"{name}_at_{seconds:g}_s": "max" for name in _EARLY for seconds in SECONDS},
    }
    COUNTS = ("events", "frames")
    primary = "node_accuracy"
    also = ("base_accuracy", "sub_accuracy", "node_top3", "key_accuracy")
    loss = "loss"
    """The sum of the heads' cross-entropies."""

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: NodeData, split: str, training: NodeData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        clips = data.songs(split)
        frames = [np.asarray(clip.sound.frames, np.float32) for clip in clips]
        outputs = [call(f[None])[0] for f in frames]
        splits = {part: training.songs(part) for part in ("train", "val")}
        fitted = fit_baselines(
            [c.sound.frames for c in splits["train"]], labels_of(splits["train"]), [c.sound.frames for c in splits["val"]],
            labels_of(splits["val"]),
        )  # fmt: skip
        true, groups = labels_of(clips), [clip.group for clip in clips]
        own = probabilities(np.stack([o.mean(0) for o in outputs]))
        baselines = {name: predict(frames) for name, predict in fitted.items()}
        result = score_alike(lambda p, _: score(p, true, groups), own, baselines, {split: clips})
        for seconds in SECONDS:
            early = score(probabilities(np.stack([so_far(o, seconds) for o in outputs])), true, groups)
            result.metrics[split] |= {f"{name}_at_{seconds:g}_s": early[name] for name in _EARLY}
        result.metrics[split] |= {"events": len(clips), "frames": sum(map(len, frames))}
        counts = confusion(own["base"].argmax(1), true[:, 0], len(BASES))
        result.analysis = {"confusion_base": {"labels": list(BASES), "counts": counts}}
        return result


def labels_of(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """`[N, 5]`: class of each head."""
    rows = [targets(c.labels["node"], c.labels["intensity"], c.labels["key"]) for c in clips]
    return np.array([[row[name] for name in HEADS] for row in rows], np.int64)


def probabilities(outputs: NDArray[np.floating]) -> Probabilities:
    """`[N, 258]` to the probabilities of each head."""
    return {name: softmax(outputs[:, EMOTION_NODE.output(name).index].astype(np.float64)) for name in HEADS}


def score(p: Probabilities, true: NDArray[np.int64], groups: Sequence[str]) -> dict[str, float]:
    """Every metric of N clips; `groups` names clips that are alike but for the key."""
    predicted = {name: p[name].argmax(1) for name in HEADS}
    right = {name: predicted[name] == true[:, i] for i, name in enumerate(HEADS)}
    ranked = np.argsort(-p["node"], 1)[:, :_TOP]
    node = predicted["node"]
    agree = (node // PER_BASE == predicted["base"]) & (node // PER_SUB % PER_SUB == predicted["sub"])
    from_nodes = marginals(p["node"])[0].argmax(1) == true[:, 0]
    return {
        "node_accuracy": float(right["node"].mean()),
        "node_top3": float((ranked == true[:, HEADS.index("node"), None]).any(1).mean()),
        "base_accuracy": float(right["base"].mean()),
        "sub_accuracy": float((right["base"] & right["sub"]).mean()),
        "intensity_accuracy": float(right["intensity"].mean()),
        "intensity_mae": float(np.abs(predicted["intensity"] - true[:, HEADS.index("intensity")]).mean()),
        "key_accuracy": float(right["key"].mean()),
        "key_mirex": float(mirex(predicted["key"], true[:, HEADS.index("key")]).mean()),
        "key_invariance": invariance(node, groups),
        "hierarchy_consistency": float(agree.mean()),
        "base_from_nodes_accuracy": float(from_nodes.mean()),
        "loss": float(sum(-log_likelihoods(p[name], true[:, i]).mean() for i, name in enumerate(HEADS))),
    }


def mirex(predicted: NDArray[np.integer], true: NDArray[np.integer]) -> NDArray[np.float64]:
    """MIREX's weights of an estimated key: 1 the same, 0.5 a fifth off (either way, same mode), 0.3 the relative, 0.2 the
    parallel key, else 0 (mir_eval.key, which counts the fifth above alone).
    """
    steps, same_mode = (predicted // 2 - true // 2) % 12, predicted % 2 == true % 2
    relative = np.where(true % 2 == 0, 9, 3)
    out = np.zeros(len(true))
    out[same_mode & np.isin(steps, (5, 7))] = 0.5
    out[~same_mode & (steps == relative)] = 0.3
    out[~same_mode & (steps == 0)] = 0.2
    out[predicted == true] = 1.0
    return out


def invariance(node: NDArray[np.integer], groups: Sequence[str]) -> float:
    """Share of pairs within a group that got the same node; 1 where no group has two clips."""
    places: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        places.setdefault(group, []).append(i)
    same = pairs = 0
    for rows in places.values():
        for a in range(len(rows)):
            for b in range(a + 1, len(rows)):
                same += int(node[rows[a]] == node[rows[b]])
                pairs += 1
    return same / pairs if pairs else 1.0
