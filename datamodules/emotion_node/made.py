"""Clips of every emotion node, made by rule: which there are, how each is composed, rendered and cut.

Instruments, tunes and seeds of the test are heard in no other split. Every clip is there in two keys, alike in all else, and in
the test in four.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from datamodules.emotion_node.composing import SECONDS, Players, compose, music_of
from datamodules.emotion_node.sounding import Hear, stretch_of
from datamodules.shared.rendering import Part, render, render_all
from datamodules.shared.splits import SPLITS
from kmidi_lab.audio.clips import Clip
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import INTENSITIES, KEYS, load_thesaurus

NAME = "rules"
PROGRAMS = {
    "train": (
        0, 1, 3, 4, 6, 7, 8, 10, 11, 15, 17, 18, 19, 20, 22, 23, 24, 26, 27, 28, 40, 42, 45, 46, 51, 52, 53, 54, 56, 57, 59,
        61, 63, 64, 65, 66, 67, 68, 69, 70, 72, 73, 75, 76, 78, 79, 80, 82, 85, 104, 105, 107, 108, 110,
    ),
    "val": (12, 48, 71),
    "test": (13, 21, 41, 60, 74, 81),
}  # fmt: skip
"""General MIDI programs of the melody."""
BACKING = {
    "train": (
        0, 1, 3, 4, 6, 7, 8, 11, 17, 18, 19, 20, 22, 24, 26, 27, 45, 46, 51, 52, 54, 57, 61, 68, 88, 89, 90, 92, 94,
    ),
    "val": (5, 16, 49),
    "test": (2, 25, 50),
}  # fmt: skip
"""And of the accompaniment."""
DRUMS = {"train": (37, 39, 42, 54, 56, 60, 64, 67, 70, 76), "val": (38, 69), "test": (53, 62, 75)}
"""Keys of General MIDI's drum kit that beat the rhythm."""
TUNES = {"train": range(16), "val": range(16, 18), "test": range(18, 20)}
NODES = EMOTION_NODE.output("node").size
KEYS_OF = {"train": 2, "val": 2, "test": 4}
"""Every clip is there in so many keys, alike in all else."""
_GAP_S = 1.0
_TOGETHER = 6
_LIMITS = (300, 2048)


@dataclass(frozen=True)
class Plan:
    """A clip to be made; those of one `group` differ in key alone."""

    split: str
    group: str
    node: int
    intensity: int
    key: int
    tune: int
    players: Players
    seed: int


def plan(renderings: int, seed: int, nodes: int = NODES) -> list[Plan]:
    """What to render: every node as often as every other, intensities and keys as even as the numbers allow.

    Args:
        renderings: training clips of each node.
        seed: of all that is drawn.
        nodes: how many of them, evenly over all; those that are there are played as they are in the whole.
    """
    plans: list[Plan] = []
    some = set(np.linspace(0, NODES - 1, nodes).round().astype(int).tolist())
    for place, split in enumerate(SPLITS):
        rng = np.random.default_rng([seed, place])  # more training clips leave the others as they are
        times = renderings if split == "train" else 2 if split == "val" else 1
        first, turn = rng.integers(len(INTENSITIES), size=NODES), rng.integers(len(KEYS), size=NODES)
        for i, node in itertools.product(range(times), range(NODES)):
            clip_seed = int(rng.integers(2**31))
            group = f"{split}/{node:03}/{i}"
            intensity = int(first[node] + i) % len(INTENSITIES)
            tune, *played = (int(rng.choice(list(c[split]))) for c in (TUNES, PROGRAMS, BACKING, DRUMS))
            for k in range(KEYS_OF[split]):
                # 5, 7 and 24 have no common divisor, so all keys come in turn, and with them both modes.
                key = int(turn[node] + 5 * i + 7 * k) % len(KEYS)
                plans.append(Plan(split, group, node, intensity, key, tune, Players(*played), clip_seed))
    return [p for p in plans if p.node in some]


def rendered(plans: Sequence[Plan], workers: int, progress: bool, hear: Hear) -> Iterator[Clip]:
    """The clips, in the order of `plans`, as `hear` makes them. Raises LabError: one can't be rendered."""
    tasks = [tuple(plans[i : i + _TOGETHER]) for i in range(0, len(plans), _TOGETHER)]
    done = dict(
        render_all(partial(_play, hear), tasks, lambda task: task[0].group, workers, _LIMITS, progress, "rendering")
    )
    return itertools.chain.from_iterable(done[task] for task in tasks)


def _play(hear: Hear, plans: Sequence[Plan]) -> list[Clip]:
    """Several clips a rendering, one after the other, since opening the SoundFont takes longer than playing a clip."""
    nodes, parts = load_thesaurus(), []
    for i, p in enumerate(plans):
        parts += [
            _later(part, i) for part in compose(music_of(nodes[p.node], p.intensity), p.key, p.tune, p.players, p.seed)
        ]
    wave, clips = render(parts), []
    for i, p in enumerate(plans):
        samples = stretch_of(wave, i * (SECONDS + _GAP_S), SECONDS)
        name = f"{p.group}/{KEYS[p.key]}"
        labels = {n: getattr(p, n) for n in ("node", "intensity", "key", "tune", "seed")} | p.players._asdict()
        clips.append(Clip(name, NAME, p.group, labels, hear(samples, name, p.split), p.split))
    return clips


def _later(part: Part, place: int) -> Part:
    """The notes that begin within a clip, moved to its place, none longer than the clip."""
    begin = place * (SECONDS + _GAP_S)
    begun = [n for n in part.notes if n.start < SECONDS]
    notes = [n._replace(start=n.start + begin, end=min(n.end, SECONDS) + begin) for n in begun]
    return Part(part.program, notes, part.drums)
