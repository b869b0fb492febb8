"""The thesaurus of 6 x 6 x 6 emotion nodes: the lab's own file, and KmiDi's folder in the same ids."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kmidi_lab.errors import DataError
from kmidi_lab.models.emotion_node.features import BASES, PER_SUB, SUBS, NodeId

PATH = Path(__file__).with_name("emotion_thesaurus.yaml")


@dataclass(frozen=True)
class Node:
    """`valence`, `arousal`, `dominance` in -1..1; names repeat between sub-emotions, so ids are the keys."""

    place: NodeId
    name: str
    valence: float
    arousal: float
    dominance: float


def load_thesaurus(path: Path = PATH) -> list[Node]:
    """The 216 nodes in the order of their ids. Raises DataError for a file that is none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DataError(f"{path}: can't be read as a thesaurus ({str(error).splitlines()[0]})") from error
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
