"""The scores of clips by the probabilities that they got: every head, keys as MIREX counts them, and what stays in other keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.models.emotion_node.baselines import Probabilities
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import (
    HEADS,
    PER_BASE,
    PER_SUB,
    QUADRANTS,
    marginals,
    node_quadrants,
    pair_of,
    targets_of,
)
from kmidi_lab.scoring.metrics import expected_calibration_error, log_likelihoods, softmax

_TOP = 3


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
    """MIREX's weights of an estimated key.

    1 the same, 0.5 a fifth off (either way, same mode), 0.3 the relative, 0.2 the parallel key, else 0 (mir_eval.key, which
    counts the fifth above alone).
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
