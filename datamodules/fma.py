"""FMA (Defferrard et al., *FMA: A Dataset for Music Analysis*, ISMIR 2017): grooves heard in its MP3 files.

Published layout: `fma_<size>/000/000002.mp3` and `fma_metadata/tracks.csv`, whose first three lines are its heading. A
groove that was heard is no truth about a drummer: strokes are peaks in frequency bands and beats a tracker's guess.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

from datamodules.bulk import read_many
from datamodules.groove.reading import Reading, Take
from kmidi_lab.errors import DataError
from kmidi_lab.features.audio_groove import RATE, groove_of
from kmidi_lab.features.audio_io import AudioError, read_audio
from kmidi_lab.features.groove import SWING, Performance

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


@dataclass(frozen=True)
class Listed:
    """A row of tracks.csv: top genre and published split, empty where the row has none, and the artist."""

    genre: str
    split: str
    artist: str


def files(root: Path) -> list[Path]:
    """Every MP3 of the largest set below `root`, or nothing; tracks.csv first."""
    table = root / "fma_metadata" / "tracks.csv"
    folder = next((root / size for size in SIZES if (root / size).is_dir()), None)
    return [table, *sorted(folder.rglob("*.mp3"))] if folder and table.is_file() else []


def read(root: Path, workers: int = 2, progress: bool = False) -> Reading:
    """The groove of every recording with a known style and a steady beat; raises DataError for a broken table."""
    table, *recordings = files(root) or [root / "fma_metadata" / "tracks.csv"]
    listed = tracks(table)
    reading = Reading("fma", LICENCE, note="grooves heard by onset detection, not played to a machine")
    wanted = []
    for path in recordings:
        row = listed.get(_track_id(path))
        if row is None:
            reading.skip(path, "", "not in tracks.csv")
        elif row.genre not in _STYLES:
            reading.skip(path, "", "genre without a drum style", row.genre or "none")
        else:
            wanted.append(path)
    for done in sorted(read_many(wanted, hear, workers, 120.0, 2048, progress, "listening"), key=lambda r: r.file):
        if done.value is None:
            reading.skip(done.file, "", done.reason, done.detail)
            continue
        row = listed[_track_id(done.file)]
        reading.takes.append(Take(_styled(done.value, row), f"artist {row.artist}", _PUBLISHED.get(row.split, "train")))
    return reading


def hear(path: Path) -> Performance:
    """The groove of one recording, not yet styled by its genre; raises AudioError, also for one without a beat."""
    groove = groove_of(read_audio(path, RATE, _LONGEST_S))
    if groove is None or not groove.bars.hit.any():
        raise AudioError(path, "no steady beat")
    swing = groove.swing or 0.0
    return Performance(f"fma/{path.stem}", "fma", "beat", "straight", swing, groove.bpm, False, groove.bars)


def tracks(table: Path) -> dict[int, Listed]:
    """tracks.csv by track id; raises DataError when it is not the published table."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as source:
            rows = csv.reader(source)
            groups, names = next(rows), next(rows)
            next(rows)
            columns = {key: i for i, key in enumerate(zip(groups, names, strict=False))}
            genre, split, artist = (columns[c] for c in (("track", "genre_top"), ("set", "split"), ("artist", "id")))
            return {
                int(row[0]): Listed(row[genre], row[split], row[artist])
                for row in rows
                if row and row[0].isdigit() and len(row) > max(genre, split, artist)
            }
    except (OSError, UnicodeDecodeError, csv.Error, StopIteration, KeyError) as error:
        raise DataError(f"{table}: not FMA's table of tracks ({error!r}); unpack fma_metadata again") from None


def _track_id(path: Path) -> int:
    return int(path.stem) if path.stem.isdigit() else -1


def _styled(heard: Performance, row: Listed) -> Performance:
    """With the style of its genre and that style's swing; a straight one that is heard to swing is a swing.

    How far it swings stays out of the input, or the model would read from it what it is to predict.
    """
    style = _STYLES[row.genre]
    if style == "straight" and heard.swing > _SWUNG:
        style = "swing"
    return replace(heard, style=style, swing=SWING[style])
