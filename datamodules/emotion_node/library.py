"""Clips of every emotion node: which are made, how each is composed, rendered and cut, in processes of their own.

Instruments, tunes and seeds of the test are heard in no other split.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.emotion_node.composing import SECONDS, Players, compose, music_of
from datamodules.shared import engine, rendering
from datamodules.shared.cache import code_version, data_version
from datamodules.shared.engine import Rules, Source, Split, packages
from datamodules.shared.library import Reading, SplitLibrary
from datamodules.shared.pool import Readers, counted
from datamodules.shared.rendering import Part, render
from datamodules.shared.splits import SPLITS, Groups
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.errors import LabError
from kmidi_lab.models.emotion_node import features
from kmidi_lab.models.emotion_node.features import INTENSITIES, KEYS, load_thesaurus

SOURCE = "emotion_nodes"
STAND_IN = (
    "Music made by rule from a thesaurus whose numbers are the lab's own, rendered through a SoundFont: this measures how well "
    "the rule is read back, not what listeners feel."
)
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
TEST_KEYS = 4
"""Every test clip is there in so many keys, alike in all else."""
_GAP_S = 1.0
_TOGETHER = 6
_PATIENCE_S, _MEMORY_MB = 300, 2048


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
            keys = TEST_KEYS if split == "test" else 1
            for k in range(keys):
                # 5 and 24 have no common divisor, so all keys come in turn; the test's lie six apart.
                key = int(turn[node] + (5 * i if keys == 1 else 6 * k + k)) % len(KEYS)
                plans.append(Plan(split, group, node, intensity, key, tune, Players(*played), clip_seed))
    return [p for p in plans if p.node in some]


def rendered(plans: Sequence[Plan], workers: int, progress: bool) -> Iterator[Clip]:
    """The clips, in the order of `plans`. Raises LabError: one can't be rendered."""
    tasks = [tuple(plans[i : i + _TOGETHER]) for i in range(0, len(plans), _TOGETHER)]
    done: dict[tuple[Plan, ...], list[Clip]] = {}
    with Readers[tuple[Plan, ...], list[Clip]](_play, workers, _PATIENCE_S, _MEMORY_MB) as players:
        for read in counted(players.read(tasks), len(tasks), progress, "rendering"):
            if read.value is None:
                raise LabError(f"rendering {read.task[0].group}: {read.reason} {read.detail}; is there memory left?")
            done[read.task] = read.value
    return itertools.chain.from_iterable(done[task] for task in tasks)


def _play(plans: Sequence[Plan]) -> list[Clip]:
    """Several clips a rendering, one after the other, since opening the SoundFont takes longer than playing a clip."""
    nodes, parts = load_thesaurus(), []
    for i, p in enumerate(plans):
        parts += [
            _later(part, i) for part in compose(music_of(nodes[p.node], p.intensity), p.key, p.tune, p.players, p.seed)
        ]
    wave, clips = render(parts), []
    for i, p in enumerate(plans):
        begin = round(i * (SECONDS + _GAP_S) * RATE)
        frames = log_mel(wave[begin : begin + round(SECONDS * RATE)]).astype(np.float16)
        name = f"{p.group}/{KEYS[p.key]}"
        labels = {n: getattr(p, n) for n in ("node", "intensity", "key", "tune", "seed")} | p.players._asdict()
        clips.append(Clip(name, SOURCE, p.group, labels, Sound(frames), p.split))
    return clips


def _later(part: Part, place: int) -> Part:
    """The notes that begin within a clip, moved to its place, none longer than the clip."""
    begin = place * (SECONDS + _GAP_S)
    begun = [n for n in part.notes if n.start < SECONDS]
    notes = [n._replace(start=n.start + begin, end=min(n.end, SECONDS) + begin) for n in begun]
    return Part(part.program, notes, part.drums)


def load(cache_dir: Path, renderings: int, seed: int, nodes: int, workers: int, progress: bool) -> SplitLibrary[Clip]:
    """`renderings` training clips of each of `nodes` nodes, two for validation, one in four keys for the test; rendered by `workers` processes."""

    def read(_: list[Path]) -> Reading[Clip]:
        clips = list(rendered(plan(renderings, seed, nodes), workers, progress))
        return Reading(SOURCE, rendering.LICENCE, clips, note=STAND_IN)

    own = [*packages("midirenderer", "pretty_midi"), features.THESAURUS.read_bytes()]
    present, absent = engine.find([Source(SOURCE, list, read, lambda _: own, always=True)], [SOURCE])
    cut = () if nodes == NODES else (nodes,)
    version = data_version((renderings, seed, rendering.SOUND_FONT, *cut), own)
    return engine.load(cache_dir / SOURCE, present, absent, version, code_version(__name__), NodeRules(seed))


@dataclass(frozen=True)
class NodeRules(Rules[Clip]):
    """Every clip in the split that it was made for."""

    seed: int
    nothing = "no clip was rendered"
    remedy = "Give data.renderings of 1 or more"

    def split(self, songs: list[Clip]) -> Split:
        rule = {
            "rule": "by instrument, tune and seed: none of the test's is heard in another split",
            "seed": self.seed,
        }
        return Split([str(clip.split) for clip in songs], rule)

    def counts(self, songs: list[Clip]) -> dict[str, Any]:
        return {"clips": len(songs)}

    def row(self, reading: Reading[Clip], songs: list[Clip]) -> dict[str, Any]:
        return {name: value for name, value in super().row(reading, songs).items() if name != "skipped"}

    def stand_in(self, used: list[str]) -> str | None:
        return STAND_IN


def grouped(clips: Sequence[Clip]) -> Groups:
    """Clips of one instrument, one tune or one seed."""
    groups = Groups(len(clips))
    for fact in (*Players._fields, "tune", "seed"):
        groups.join_equal((fact, clip.labels[fact]) for clip in clips)
    return groups
