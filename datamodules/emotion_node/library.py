"""Rendered clips of every emotion node; instruments, tunes and seeds of the test are heard in no other split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules.emotion_node import playing
from datamodules.emotion_node.composing import Players
from datamodules.emotion_node.playing import NodeClip
from datamodules.shared import engine, rendering
from datamodules.shared.cache import data_version
from datamodules.shared.code_version import code_version
from datamodules.shared.engine import Rules, Source, Split, packages
from datamodules.shared.library import Reading, SplitLibrary
from datamodules.shared.splits import Groups
from kmidi_lab.models.emotion_node import thesaurus

SOURCE = "emotion_nodes"
STAND_IN = (
    "Music made by rule from a thesaurus whose numbers are the lab's own, rendered through a SoundFont: this measures how well "
    "the rule is read back, not what listeners feel."
)


def load(
    cache_dir: Path, renderings: int, seed: int, nodes: int, workers: int, progress: bool
) -> SplitLibrary[NodeClip]:
    """`renderings` training clips of each of `nodes` nodes, two for validation, one in four keys for the test; rendered by `workers` processes."""

    def read(_: list[Path]) -> Reading[NodeClip]:
        clips = list(playing.rendered(playing.plan(renderings, seed, nodes), workers, progress))
        return Reading(SOURCE, rendering.LICENCE, clips, note=STAND_IN)

    own = [*packages("midirenderer", "pretty_midi"), thesaurus.PATH.read_bytes()]
    present, absent = engine.find([Source(SOURCE, list, read, lambda _: own, always=True)], [SOURCE])
    cut = () if nodes == playing.NODES else (nodes,)
    version = data_version((renderings, seed, rendering.SOUND_FONT, *cut), own)
    return engine.load(cache_dir / SOURCE, present, absent, version, code_version(__name__), NodeRules(seed))


@dataclass(frozen=True)
class NodeRules(Rules[NodeClip]):
    """Every clip in the split that it was made for."""

    seed: int
    nothing = "no clip was rendered"
    remedy = "Give data.renderings of 1 or more"

    def split(self, songs: list[NodeClip]) -> Split:
        rule = {
            "rule": "by instrument, tune and seed: none of the test's is heard in another split",
            "seed": self.seed,
        }
        return Split([clip.group.partition("/")[0] for clip in songs], rule)

    def counts(self, songs: list[NodeClip]) -> dict[str, Any]:
        return {"clips": len(songs)}

    def row(self, reading: Reading[NodeClip], songs: list[NodeClip]) -> dict[str, Any]:
        return {name: value for name, value in super().row(reading, songs).items() if name != "skipped"}

    def stand_in(self, used: list[str]) -> str | None:
        return STAND_IN


def grouped(clips: Sequence[NodeClip]) -> Groups:
    """Clips of one instrument, one tune or one seed."""
    groups = Groups(len(clips))
    for facts in (
        *([(field, getattr(c.players, field)) for c in clips] for field in Players._fields),
        [("tune", c.tune) for c in clips],
        [("seed", c.seed) for c in clips],
    ):
        groups.join_equal(facts)
    return groups
