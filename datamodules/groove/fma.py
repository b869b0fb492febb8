"""FMA (Defferrard et al., *FMA: A Dataset for Music Analysis*, ISMIR 2017): grooves heard in its MP3 files.

Published layout: `fma_<size>/000/000002.mp3` and `fma_metadata/tracks.csv`, whose first three lines are its heading. A
groove that was heard is no truth about a drummer: strokes are peaks in frequency bands and beats a tracker's guess.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datamodules.groove.groove_midi import Take
from datamodules.shared.cache import code_version
from datamodules.shared.library import Reading
from datamodules.shared.pool_worker import NotedResult
from datamodules.shared.sharding import prepare
from datamodules.shared.shards import Arrays, FileArrays
from kmidi_lab.audio.io import AudioError, read_recording
from kmidi_lab.errors import DataError
from kmidi_lab.models.groove.features import SWING
from kmidi_lab.models.groove.from_audio import RATE, groove_of
from kmidi_lab.models.groove.grid import Bars, Performance

SIZES = ("fma_full", "fma_large", "fma_medium", "fma_small")
LICENCE = "metadata CC BY 4.0; each recording under the licence its artist chose"
_PUBLISHED = {"training": "train", "validation": "validation", "test": "test"}
_STYLES = {
    "Hip-Hop": "laid_back", "Soul-RnB": "laid_back", "Blues": "shuffle", "Jazz": "jazz", "International": "latin",
    "Funk": "funk", "Rock": "straight", "Pop": "straight", "Electronic": "straight", "Folk": "straight",
    "Country": "straight", "Punk": "pushed", "Metal": "pushed",
}  # fmt: skip
"""Top genres with a drum style of their own; recordings of other genres are left out and counted."""
_SWUNG = 0.4
_LONGEST_S = 20 * 60.0
_MAX_BYTES = 2**30
_TIMEOUT_S, _MEMORY_MB = 120.0, 2048


@dataclass(frozen=True)
class TrackRow:
    """A row of tracks.csv: top genre and published split, empty where the row has none, and the artist."""

    genre: str
    split: str
    artist: str


def folders(root: Path) -> list[Path]:
    """The largest set that is there."""
    return [root / size for size in SIZES if (root / size).is_dir()][:1]


def files(root: Path) -> list[Path]:
    """Every MP3 of the largest set below `root`, or nothing; tracks.csv first."""
    table = root / "fma_metadata" / "tracks.csv"
    paths = [path for folder in folders(root) for path in sorted(folder.rglob("*.mp3"))]
    return [table, *paths] if folders(root) and table.is_file() else []


def read(root: Path, cache_dir: Path, workers: int = 2, progress: bool = False) -> Reading[Take]:
    """The groove of every recording with a known style and a steady beat; raises DataError for a broken table.

    What was heard is kept in `cache_dir` some hundred recordings at a time, so a job that is broken off goes on there.
    """
    table, *paths = files(root) or [root / "fma_metadata" / "tracks.csv"]
    listed = tracks(table)
    reading: Reading[Take] = Reading("fma", LICENCE, note="grooves heard by onset detection, not played to a machine")
    recordings = []
    for path in paths:
        row = listed.get(_track_id(path))
        if row is None:
            reading.skip(path, "", "not in tracks.csv")
        elif row.genre not in _STYLES:
            reading.skip(path, "", "genre without a drum style", row.genre or "none")
        else:
            recordings.append(path)
    version = code_version(__name__)
    grooves = prepare(
        recordings, root, cache_dir / "fma", hear, version, _MAX_BYTES, workers, _TIMEOUT_S, _MEMORY_MB, progress=progress,
        text="listening",
    )  # fmt: skip
    reading.problems += [replace(p, file=str(root / p.file)) for p in grooves.problems()]
    for groove in grooves:
        row = listed[_track_id(Path(groove.name))]
        take = Take(_performance(groove, row), f"artist {row.artist}", _PUBLISHED.get(row.split, "train"))
        reading.items.append(take)
    return reading


def hear(path: Path) -> Arrays | NotedResult[Arrays]:
    """The groove of one recording; raises AudioError, also for one without a beat. `swing` is NaN where none was heard."""
    recording = read_recording(path, RATE, _LONGEST_S)
    groove = groove_of(recording.samples)
    if groove is None or not groove.bars.hit.any():
        raise AudioError(path, "no steady beat")
    swing = np.nan if groove.swing is None else groove.swing
    arrays = {
        "hit": groove.bars.hit,
        "timing": groove.bars.timing,
        "velocity": groove.bars.velocity,
        "about": np.array([[groove.bpm, swing, groove.bars.merged]]),
    }
    return NotedResult(arrays, *recording.notes[0]) if recording.notes else arrays


def tracks(table: Path) -> dict[int, TrackRow]:
    """tracks.csv by track id; raises DataError when it is not the published table."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as source:
            rows = csv.reader(source)
            groups, names = next(rows), next(rows)
            next(rows)
            columns = {key: i for i, key in enumerate(zip(groups, names, strict=False))}
            genre, split, artist = (columns[c] for c in (("track", "genre_top"), ("set", "split"), ("artist", "id")))
            return {
                int(row[0]): TrackRow(row[genre], row[split], row[artist])
                for row in rows
                if row and row[0].isdigit() and len(row) > max(genre, split, artist)
            }
    except (OSError, UnicodeDecodeError, csv.Error, StopIteration, KeyError) as error:
        raise DataError(f"{table}: not FMA's table of tracks ({error!r}); unpack fma_metadata again") from None


def _track_id(path: Path) -> int:
    return int(path.stem) if path.stem.isdigit() else -1


def _performance(groove: FileArrays, row: TrackRow) -> Performance:
    """With the style of its genre and that style's swing; a straight one that is heard to swing is a swing.

    How far it swings stays out of the input, or the model would read from it what it is to predict.
    """
    hit, timing, velocity, about = (np.array(groove.arrays[name]) for name in ("hit", "timing", "velocity", "about"))
    bpm, swing, merged = about[0].tolist()
    style = _STYLES[row.genre]
    if style == "straight" and swing > _SWUNG:
        style = "swing"
    bars = Bars(hit, timing, velocity, int(merged))
    return Performance(f"fma/{Path(groove.name).stem}", "fma", "beat", style, SWING[style], bpm, False, bars)
