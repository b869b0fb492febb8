"""Lakh MIDI (C. Raffel, *Learning-Based Methods for Comparing Sequences*, 2016, CC BY 4.0): where its files lie, and fetching.

That is `lmd_full/0/<md5>.mid`, or `lmd_matched/A/B/C/TR…/<md5>.mid` with `match_scores.json`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from datamodules.shared.fetch import download
from datamodules.shared.layout import Layout, MidiFile, folder_of
from datamodules.shared.unpack import unpack

LICENCE = "CC BY 4.0"
GET = "the Lakh MIDI Dataset's page (LMD-full), or type task=prepare data=lakh data.fetch=true (1.8 GB)"

_MAX_UNPACKED = 20 * 2**30
_MAX_SCORES = 256 * 2**20


def read(root: Path) -> Layout:
    """Files in the published layout below `root` or `root/lakh`: LMD-full if it is there, else LMD-matched.

    In LMD-matched a group is a recording; `about["score"]` is how well a file matches it.
    """
    layout = Layout("lakh", LICENCE, GET)
    full = folder_of(root, "lmd_full", "lakh/lmd_full")
    if full.is_dir():
        layout.files = [MidiFile(path, path.stem) for path in sorted(full.glob("?/*.mid"))]
        return layout
    matched = folder_of(root, "lmd_matched", "lakh/lmd_matched")
    scores = _match_scores(matched.parent / "match_scores.json", layout) if matched.is_dir() else {}
    for path in sorted(matched.glob("?/?/?/TR*/*.mid")):
        recording = path.parent.name
        score = scores.get(recording, {}).get(path.stem) if isinstance(scores.get(recording), dict) else None
        layout.files.append(MidiFile(path, recording, None, {} if score is None else {"score": str(score)}))
    return layout


def folders(root: Path) -> list[Path]:
    """Where the set lies that is read, if it is there."""
    places = (folder_of(root, name, f"lakh/{name}") for name in ("lmd_full", "lmd_matched"))
    return [folder for folder in places if folder.is_dir()][:1]


def some(root: Path, most: int) -> list[Path]:
    """At most so many files, the first by MD5: a random sample; nothing without Lakh."""
    return sorted((file.path for file in read(root).files), key=lambda path: path.stem)[:most]


def _match_scores(path: Path, layout: Layout) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_SCORES:
            layout.skip(path, "", "table too large")
            return {}
        scores = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        layout.skip(path, "", "table cannot be read", error)
        return {}
    return scores if isinstance(scores, dict) else {}


def fetch(root: Path, progress: bool = True) -> None:
    """LMD-full into `root/lakh/lmd_full` (1.8 GB to fetch), checked against its published SHA-256; nothing if it is there.

    Raises:
        DataError: the server can't be reached, the bytes are wrong or the archive is.
    """
    if folder_of(root, "lmd_full", "lakh/lmd_full").is_dir():
        return
    from muspy import LakhMIDIDataset  # knows the published address, size and checksum

    source = LakhMIDIDataset._sources["lmd_full"]
    archive = root / source["filename"]
    download(source["url"], archive, source["sha256"], source["size"], progress=progress)
    unpack(archive, root / "lakh", _MAX_UNPACKED, progress)
