"""EmotionNodeClassifier beside its baselines: every head, keys as MIREX counts them, and whether the heads agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.audio.mel import FLOOR, FRAME_S
from kmidi_lab.contract_features import LEVEL_FEATURES
from kmidi_lab.contracts import EMOTION_NODE, Contract
from kmidi_lab.models.emotion_node.baselines import Predict, Probabilities, fit_baselines
from kmidi_lab.models.emotion_node.conditions import IN_ONE_KEY, sounding
from kmidi_lab.models.emotion_node.features import (
    BASES,
    HEADS,
    PER_BASE,
    PER_SUB,
    QUADRANTS,
    marginals,
    node_quadrants,
    pair_of,
    targets_of,
)
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, score_alike
from kmidi_lab.scoring.items import Frames, ScoredItem
from kmidi_lab.scoring.metrics import (
    confusion,
    expected_calibration_error,
    log_likelihoods,
    so_far,
    softmax,
)

Call = Callable[[np.ndarray], np.ndarray]
SECONDS = (1.0, 2.0, 3.0)
_EARLY = ("base_accuracy", "node_accuracy")
"""Metrics that are also told of the first seconds."""
_TOP = 3
_SOFTER_DB = 12.0
_AT_ONCE = 256


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
        softer = heard([_softer(clip.sound.frames) for clip in clips], features)
        bases = probabilities(np.stack([call(f[None])[0].mean(0) for f in softer]))["base"].argmax(1)
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


def heard(sounds: Sequence[NDArray[np.floating]], features: str) -> list[NDArray[np.float32]]:
    """What the model gets of sounds `[T_i, 128]` of `mel128-v1`, by the version of its contract."""
    if features == LEVEL_FEATURES:
        return adapted_sounds(sounds)
    return [np.asarray(frames, np.float32) for frames in sounds]


class HeardClips(Sequence[NDArray[np.float32]]):
    """What the model gets of each clip, made when it is asked for: all of the training's at once would take 4 GB."""

    def __init__(self, clips: Sequence[Clip], features: str) -> None:
        self._clips, self._features = clips, features
        self._part, self._sounds = -1, [np.zeros((0, 0), np.float32)]

    def __len__(self) -> int:
        return len(self._clips)

    @overload
    def __getitem__(self, at: int) -> NDArray[np.float32]: ...

    @overload
    def __getitem__(self, at: slice) -> list[NDArray[np.float32]]: ...

    def __getitem__(self, at: int | slice) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        part, place = divmod(at, _AT_ONCE)
        if part != self._part:
            some = self._clips[part * _AT_ONCE : (part + 1) * _AT_ONCE]
            self._part, self._sounds = part, heard([clip.sound.frames for clip in some], self._features)
        return self._sounds[place]


def _softer(frames: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.maximum(np.asarray(frames, np.float32) - _SOFTER_DB * np.log(10) / 10, np.float32(np.log(FLOOR)))


def _fitted(training: NodeData, features: str) -> dict[str, Predict]:
    parts = [training.songs(name) for name in ("train", "val")]
    sounds = [HeardClips(part, features) for part in parts]
    return fit_baselines(sounds[0], labels_of(parts[0]), sounds[1], labels_of(parts[1]))


def labels_of(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """`[N, 6]`: class of each head and the quadrant, -1 where it is not known."""
    return np.array([[*targets_of(clip), clip.labels.get("quadrant", -1)] for clip in clips], np.int64)


def probabilities(outputs: NDArray[np.floating]) -> Probabilities:
    """`[N, 258]` to the probabilities of each head, and of the quadrants."""
    p = {name: softmax(outputs[:, EMOTION_NODE.output(name).index].astype(np.float64)) for name in HEADS}
    return {**p, "quadrant": quadrants(p["node"])}


def quadrants(node: NDArray[np.floating]) -> NDArray[np.float64]:
    """`[N, 216]` probabilities of nodes to `[N, 4]` of the quadrants that the thesaurus puts them in."""
    return np.asarray(node @ np.eye(len(QUADRANTS))[node_quadrants()])


def score(p: Probabilities, clips: Sequence[Clip]) -> dict[str, float]:
    """Every metric of N clips that there are labels for."""
    true = labels_of(clips)
    made, listened = true[:, 0] >= 0, true[:, -1] >= 0
    played = np.array(["node" not in clip.labels for clip in clips])
    groups = [pair_of(clip) for clip in clips]
    bases, nodes = p["base"].argmax(1), p["node"].argmax(1)
    out = {"key_invariance": invariance(nodes, groups), "base_invariance": invariance(bases, groups)}
    if played.any():
        some = [group for group, there in zip(groups, played, strict=True) if there]
        out["key_invariance_played"] = invariance(nodes[played], some)
        out["base_invariance_played"] = invariance(bases[played], some)
    if made.any():
        out |= _made({name: p[name][made] for name in HEADS}, true[made])
    if listened.any():
        four, heard_in = p["quadrant"][listened], true[listened, -1]
        guess = four.argmax(1)
        out["quadrant_accuracy"] = float((guess == heard_in).mean())
        out["valence_accuracy"] = float(((four[:, [0, 3]].sum(1) > 0.5) == np.isin(heard_in, (0, 3))).mean())
        out["arousal_accuracy"] = float(((four[:, [0, 1]].sum(1) > 0.5) == np.isin(heard_in, (0, 1))).mean())
        out["quadrant_ece"] = expected_calibration_error(four, heard_in)
        out["quadrant_nll"] = float(-log_likelihoods(four, heard_in).mean())
    return out


def _made(p: Probabilities, true: NDArray[np.int64]) -> dict[str, float]:
    """Of clips that were made for a node."""
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
        "hierarchy_consistency": float(agree.mean()),
        "node_ece": expected_calibration_error(p["node"], true[:, HEADS.index("node")]),
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
