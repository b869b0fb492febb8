"""Charts of one's own in the layouts that docs/harmony.md shows; and what is said where none is found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from datamodules.harmony import jazz_corpus, kmidi, pop909
from datamodules.harmony.module import ChordSongs
from kmidi_lab.errors import DataError


def test_the_pages_own_charts_are_read_whole(repo: Path, tmp_path: Path) -> None:
    page = (repo / "docs/harmony.md").read_text("utf-8")
    shown = dict(re.findall(r"```text (\S+/\S+)\n(.*?)```", page, re.S))
    for name, text in shown.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    [loops] = re.findall(r"`(\{\"my group.*?)`", page)
    (tmp_path / "kmidi").mkdir()
    (tmp_path / "kmidi" / "chord_progressions_db.json").write_text(loops)
    assert len(shown) == 2 and json.loads(loops)
    readings = [pop909.read(tmp_path), jazz_corpus.read(jazz_corpus.files(tmp_path)), kmidi.read(kmidi.files(tmp_path))]
    problems = [[problem.reason for problem in reading.problems] for reading in readings]
    assert problems == [["no usable downbeats: positions unknown"], [], []]
    chords = []
    for reading in readings:
        [song] = reading.items
        chords.append([(event.chord.root, event.chord.quality) for event in song.events])
    assert chords == [
        [(0, "maj7"), (9, "min7"), (2, "min7"), (7, "dom7")],
        [(0, "min7"), (5, "dom7"), (10, "maj7"), (9, "dim7"), (2, "dom7"), (7, "minor")],
        [(2, "min7"), (7, "dom7"), (0, "maj7")],
    ]


def test_where_no_chart_is_found_the_line_says_where_was_looked(tmp_path: Path) -> None:
    data = ChordSongs(str(tmp_path), str(tmp_path / "cache"), ["pop909", "jazz_corpus"])
    with pytest.raises(DataError) as caught:
        data.setup("fit")
    assert str(caught.value) == (
        f"no usable chord data was found. Looked for pop909/*/chord_midi.txt, jazz_corpus/**/*.txt in {tmp_path}: set "
        "DATA_ROOT, or type data.root=FOLDER (docs/harmony.md has the layouts)"
    )
