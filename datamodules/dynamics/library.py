"""The performances of the first source that is there: read once, grouped, split and cached by content."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from datamodules.dynamics import asap, asap_layout, corpus, kth, unscored
from datamodules.dynamics.performances import Performance, Reading
from datamodules.shared.cache import data_version, files_below
from datamodules.shared.code_version import code_version
from datamodules.shared.library import SplitLibrary, prepared
from datamodules.shared.problems import first_of
from datamodules.shared.splits import Groups, assign
from kmidi_lab.errors import DataError
from kmidi_lab.midi.score import Score

SOURCES = ("asap", "maestro", "lakh", "kth_rules")
_NGRAM, _SIMILAR = 8, 0.3
_STAND_IN = (
    "No performances by people were used: scores of the music21 corpus, played by the KTH performance rules with random "
    "strengths, stand in for them."
)


Library = SplitLibrary[Performance]


def load(
    root: Path, cache_dir: Path, sources: Sequence[str], seed: int, val: float, test: float, progress: bool
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    found = [name for name in sources if source_files(name, root)]
    if not found:
        raise DataError(
            f"{' and '.join(sources)} not found in {root}; set DATA_ROOT to the folder that holds asap/, maestro-v3.0.0/ or "
            "lmd_full/, or type data=kth_rules"
        )
    name, files = found[0], source_files(found[0], root)
    version = _version(name, files, root, (seed, val, test))

    def make() -> Library:
        return _build(_read(name, root, files, progress), version, seed, val, test)

    absent = [source for source in sources if source not in found]
    return prepared(cache_dir / "dynamics", version, code_version(__name__), make, absent)


def source_files(name: str, root: Path) -> list[Path]:
    """The files of a source; empty where it is not there."""
    if name == "kth_rules":
        return corpus.files()
    return {"asap": asap.files, "maestro": unscored.maestro_files, "lakh": unscored.lakh_files}[name](root)


def _read(name: str, root: Path, files: list[Path], progress: bool) -> Reading:
    if name == "asap":
        return asap.read(asap_layout.table(root).parent, asap_layout.read(root))
    if name == "maestro":
        return unscored.read_maestro(root, progress)
    return unscored.read_lakh(files, progress) if name == "lakh" else kth.read(files, progress)


def group(performances: Sequence[Performance]) -> Groups:
    """Performances that must share a split: of one piece, or of pieces that share much of their melody, in any key."""
    groups = Groups(len(performances))
    groups.join_equal(p.piece for p in performances)
    first: dict[str, int] = {}
    for i, performance in enumerate(performances):
        first.setdefault(performance.piece, i)
    kept = list(first.values())
    tunes = [_tune(performances[i].score) for i in kept]
    alike = Groups(len(kept))
    alike.join_similar(tunes, _NGRAM, _SIMILAR)
    for k, i in enumerate(kept):
        groups.join(i, kept[alike.find(k)])
    return groups


def _tune(score: Score) -> tuple[int, ...]:
    """The intervals of the highest notes, one an onset."""
    last = np.append(score.onset[1:] != score.onset[:-1], True)
    return tuple(int(i) for i in np.diff(score.pitch[last]))


def _build(reading: Reading, version: str, seed: int, val: float, test: float) -> Library:
    performances = reading.performances
    if not performances:
        raise DataError(
            f"no usable performance was found.{first_of(reading.problems)} Set DATA_ROOT to a folder with asap/"
        )
    groups = group(performances)
    leaders = {groups.find(i): p.piece for i, p in reversed(list(enumerate(performances)))}
    splits = assign([leaders[groups.find(i)] for i in range(len(performances))], groups, seed, val, test)
    description = {
        "id": reading.source,
        "version": f"sha256:{version}",
        "stand_in": _STAND_IN if reading.source == "kth_rules" else None,
        "licence": reading.licence,
        "sources": [
            {
                "name": reading.source,
                "licence": reading.licence,
                "songs": len(performances),
                "pieces": len({p.piece for p in performances}),
                "events": sum(p.known for p in performances),
                "skipped": len(reading.problems),
                **{name: round(value, 4) for name, value in reading.facts.items()},
                **({"note": reading.note} if reading.note else {}),
            }
        ],
        "problems": reading.reasons(),
    }
    rule = {"rule": "by piece with all its performances: hash of the group of near-duplicates", "seed": seed}
    return SplitLibrary(performances, splits, description, rule, reading.problems)


def _version(name: str, files: list[Path], root: Path, settings: tuple[object, ...]) -> str:
    """Of the data and how it is split: what a model was trained on, whatever the version of this code."""
    contents: Iterable[tuple[str, Path] | bytes] = files_below(root, files)
    if name == "kth_rules":
        contents = [importlib.metadata.version("music21").encode() + repr([p.name for p in files]).encode()]
    return data_version((name, settings), contents)
