"""The tree of 6 x 6 x 6 emotion nodes: ids, keys, intensities (contract.md §4 and §5), and the thesaurus that names them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.errors import DataError, first_line
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.own_yaml import own_yaml

if TYPE_CHECKING:
    import torch

BASES = ("HAPPY", "SAD", "ANGRY", "FEAR", "SURPRISE", "DISGUST")
SUBS: dict[str, tuple[str, ...]] = {
    "HAPPY": ("contentment", "joy", "excitement", "pride", "love", "hope"),
    "SAD": ("grief", "despair", "loneliness", "disappointment", "melancholy", "hurt"),
    "ANGRY": ("irritation", "hostility", "rage", "jealousy", "indignation", "vengeance"),
    "FEAR": ("anxiety", "terror", "dread", "vulnerability", "unease", "phobia"),
    "SURPRISE": ("amazement", "shock", "confusion", "curiosity", "disbelief", "enlightenment"),
    "DISGUST": ("revulsion", "contempt", "loathing", "aversion", "moral_disgust", "boredom"),
}
INTENSITIES = ("subtle", "mild", "moderate", "strong", "intense", "overwhelming")
TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEYS = tuple(f"{tonic} {mode}" for tonic in TONICS for mode in ("major", "minor"))
"""Key = 2 * tonic + mode, mode 0 major and 1 minor."""
CLASSES = tuple(f"{base}.{sub}" for base in BASES for sub in SUBS[base])
"""The 36 sub-emotions by base * 6 + sub: what data and model must agree on."""
PER_SUB, PER_BASE = 6, 36
QUADRANTS = ("happy", "angry", "sad", "calm")
"""Of valence and arousal (Russell, 1980), in EMOPIA's order: ++, -+, --, +-."""
TAUGHT = tuple(f"taught_{name}" for name in QUADRANTS)
"""Labels of a clip to train on: thousandths of the quadrants, by a listener of notes."""
KEY_BY_NOTES = "key_by_notes"
"""And its key, by its notes; not the key that it was made for."""
LISTENERS = "emopia"
"""The source whose labels are listeners' judgements."""
WITH_LISTENERS = (
    "Stand-in data: nodes are of music made by rule from a thesaurus whose numbers are the lab's own, rendered through a "
    "SoundFont: base, sub-emotion, intensity and node measure how well the rule is read back, not what listeners feel. The "
    "quadrant is also learnt from what listeners said of piano clips (EMOPIA)."
)
HEADS = tuple(s.name for s in EMOTION_NODE.outputs)
THESAURUS = Path(__file__).with_name("emotion_thesaurus.yaml")


class NodeId(NamedTuple):
    """A node's place: base 0..5, sub 0..5 within it, leaf 0..5 within that."""

    base: int
    sub: int
    leaf: int

    @property
    def node(self) -> int:
        return self.base * PER_BASE + self.sub * PER_SUB + self.leaf


def node_of(node: int) -> NodeId:
    """Of an id 0..215. Raises ValueError."""
    if not 0 <= node < len(BASES) * PER_BASE:
        raise ValueError(f"node {node} is not one of 0..{len(BASES) * PER_BASE - 1}")
    return NodeId(node // PER_BASE, node // PER_SUB % PER_SUB, node % PER_SUB)


def pair_of(clip: Clip) -> str:
    """What clips have in common that are alike but for the key: the last part of an id names it."""
    return clip.id.rsplit("/", 1)[0]


def quadrant_of(valence: float, arousal: float) -> int:
    """A place in QUADRANTS; 0 counts as below."""
    return (0 if arousal > 0 else 3) if valence > 0 else (1 if arousal > 0 else 2)


@lru_cache(1)
def node_quadrants() -> list[int]:
    """The quadrant of each node of the thesaurus."""
    return [quadrant_of(node.valence, node.arousal) for node in load_thesaurus()]


def targets(node: int, intensity: int, key: int) -> dict[str, int]:
    """Class of each head."""
    place = node_of(node)
    return {"base": place.base, "sub": place.sub, "intensity": intensity, "key": key, "node": node}


def targets_of(clip: Clip) -> list[int]:
    """The class of each head, -1 where it is not known."""
    if "node" not in clip.labels:
        return [-1] * len(HEADS)
    row = targets(clip.labels["node"], clip.labels["intensity"], clip.labels["key"])
    return [row[name] for name in HEADS]


def learnt_of(clip: Clip) -> list[int]:
    """The class of each head that training learns: as `targets_of`, with the key by notes where no other is known."""
    row = targets_of(clip)
    key = HEADS.index("key")
    return [*row[:key], row[key] if row[key] >= 0 else clip.labels.get(KEY_BY_NOTES, -1), *row[key + 1 :]]


def taught_of(clip: Clip) -> list[float]:
    """The chances of the quadrants by its notes, which sum to 1; zeros where they are not known."""
    told = [clip.labels.get(name, 0) for name in TAUGHT]
    return [one / max(sum(told), 1) for one in told]


def marginals(node: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Probabilities of base `[N, 6]` and of the sub-emotion's place in any base `[N, 6]`, from nodes' `[N, 216]`."""
    grid = node.reshape(len(node), len(BASES), PER_SUB, PER_SUB)
    return grid.sum((2, 3)), grid.sum((1, 3))


class NodeBatch(NamedTuple):
    """Pairs of clips that are alike but for the key.

    `x` `[B, 2, T, 128]` frames of `mel128-v2`; `target` `[B, 2, 5]`, the class of each head in the contract's order, -1
    where it is not known; `quadrant` `[B]`, a place in QUADRANTS, -1 where it is not known; `taught` `[B, 4]`, chances of
    the quadrants by notes, zeros where they are not known.
    """

    x: torch.Tensor
    target: torch.Tensor
    quadrant: torch.Tensor
    taught: torch.Tensor


@dataclass(frozen=True)
class Node:
    """`valence`, `arousal`, `dominance` in -1..1; names repeat between sub-emotions, so ids are the keys."""

    place: NodeId
    name: str
    valence: float
    arousal: float
    dominance: float


def load_thesaurus(path: Path = THESAURUS) -> list[Node]:
    """The 216 nodes in the order of their ids. Raises DataError for a file that is none."""
    try:
        content = own_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise DataError(f"{path}: can't be read as a thesaurus ({first_line(error)})") from error
    return _nodes(content, path)


def load_kmidi(folder: Path) -> list[Node]:
    """KmiDi's `<base>.json` files: its names, with valence from its sign, arousal from its bias and range.

    KmiDi gives no number for valence and dominance: the lab's own node of the same id fills them in.

    Raises:
        DataError: a file is missing or is none of KmiDi's.
    """
    own = {node.place: node for node in load_thesaurus()}
    nodes = []
    for base, name in enumerate(BASES):
        path = folder / f"{name.lower()}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            low, high = (float(v) for v in content["arousal_range"])
            subs = {k.lower(): v for k, v in content["sub_emotions"].items()}
            for sub, sub_name in enumerate(SUBS[name]):
                entry = subs[sub_name]
                bias, leaves = float(entry["arousal_bias"]), list(entry["sub_sub_emotions"])
                if len(leaves) != PER_SUB:
                    raise DataError(f"{path}: {sub_name} has {len(leaves)} leaves, not {PER_SUB}")
                arousal = 2 * min(max(bias, low), high) - 1
                for leaf, leaf_name in enumerate(leaves):
                    place = NodeId(base, sub, leaf)
                    nodes.append(Node(place, leaf_name, own[place].valence, arousal, own[place].dominance))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: not a file of KmiDi's thesaurus ({error!r})") from error
    return nodes


def _nodes(content: Any, path: Path) -> list[Node]:
    nodes = []
    for base, name in enumerate(BASES):
        for sub, sub_name in enumerate(SUBS[name]):
            leaves = (content.get(name) or {}).get(sub_name) if isinstance(content, dict) else None
            if not isinstance(leaves, dict) or len(leaves) != PER_SUB:
                raise DataError(f"{path}: {name}.{sub_name} must hold {PER_SUB} leaves")
            for leaf, (leaf_name, values) in enumerate(leaves.items()):
                sound = (
                    isinstance(values, list) and len(values) == 3 and all(isinstance(v, int | float) for v in values)
                )
                if not sound or not all(-1 <= v <= 1 for v in values):
                    raise DataError(f"{path}: {name}.{sub_name}.{leaf_name} must be three numbers in -1..1")
                nodes.append(Node(NodeId(base, sub, leaf), str(leaf_name), *(float(v) for v in values)))
    return nodes
