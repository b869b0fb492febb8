"""Lakh in its two published layouts, made of a few small files."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.extracts import pitches
from support.smf import END, midi, name, note, track

from datamodules.shared import lakh, lakh_pieces
from datamodules.shared.splits import SPLITS, SplitBy
from kmidi_lab.errors import DataError


def tune(seed: int, title: str = "", up: int = 0, slip: bool = False) -> bytes:
    rng = np.random.default_rng(seed)
    line = 50 + up + np.cumsum(rng.choice([-4, -3, -2, -1, 1, 2, 3, 5, 7], 150)) % 24
    line[-1] += slip
    return midi(track(name(title) + b"".join(note(int(p), 80, 120) for p in line) + END))


def full(root: Path, *contents: bytes) -> list[str]:
    """LMD-full; the MD5s."""
    stems = [hashlib.md5(content).hexdigest() for content in contents]
    for stem, content in zip(stems, contents, strict=True):
        path = root / "lmd_full" / stem[0] / f"{stem}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return stems


def split_of(pieces: lakh_pieces.LakhPieces) -> dict[str, str]:
    return {Path(p.name).stem: split for split in SPLITS for p in pieces.pieces(split)}


def test_copies_count_once_and_versions_share_a_split(tmp_path: Path) -> None:
    contents = [tune(seed) for seed in range(30)]
    copies = [tune(seed, "another name") for seed in range(10)]
    versions = [tune(seed, up=5, slip=True) for seed in range(30)]
    stems = full(tmp_path, *contents, *copies, *versions, b"broken")
    pieces = lakh_pieces.lakh_pieces(tmp_path, tmp_path / "cache", pitches, "1", by=SplitBy(0, 0.2, 0.2))
    assert len(pieces) == len(list(pieces.pieces("all"))) == 60
    assert pieces.description["problems"] == {"same notes as another file": 10, "not a MIDI file": 1}
    assert pieces.description["groups"] == 30
    where = split_of(pieces)
    assert {where[stems[i]] if stems[i] in where else where[stems[30 + i]] for i in range(30)} == set(SPLITS)
    for i in range(30):
        own = {stems[i], stems[40 + i], *([stems[30 + i]] if i < 10 else [])}
        assert len({where[stem] for stem in own if stem in where}) == 1
    assert sum(pieces.description["split"][s] for s in SPLITS) == 60


def test_pieces_carry_what_was_extracted_and_come_from_the_cache(tmp_path: Path) -> None:
    [stem] = full(tmp_path, tune(0))
    for _ in range(2):
        pieces = lakh_pieces.lakh_pieces(tmp_path, tmp_path / "cache", pitches, "1")
        [piece] = pieces.pieces("all")
        assert piece.name == f"lmd_full/{stem[0]}/{stem}.mid"
        assert len(piece.arrays["pitch"]) == 150
    assert len(list((tmp_path / "cache" / "lakh").glob("*.json"))) == 1
    assert len(lakh_pieces.lakh_pieces(tmp_path, tmp_path / "cache", pitches, "1", limit=0)) == 0


def test_a_file_that_joins_moves_at_most_its_own_group(tmp_path: Path) -> None:
    stems = full(tmp_path, *(tune(seed) for seed in range(30)))
    before = split_of(lakh_pieces.lakh_pieces(tmp_path, tmp_path / "cache", pitches, "1"))
    versions = [tune(0, title, up=5, slip=True) for title in map(str, range(40))]
    full(tmp_path, tune(99), min(versions, key=lambda content: hashlib.md5(content).digest()))
    after = split_of(lakh_pieces.lakh_pieces(tmp_path, tmp_path / "cache", pitches, "1"))
    before.pop(stems[0])
    assert before.items() <= after.items()


def test_recordings_of_lmd_matched_stay_together(tmp_path: Path) -> None:
    scores: dict[str, dict[str, float]] = {}
    for recording in range(20):
        track_id = f"TRABC{recording:02}128F"
        folder = tmp_path / "lmd_matched" / "A" / "B" / "C" / track_id
        folder.mkdir(parents=True)
        for seed in (2 * recording, 2 * recording + 1):
            stem = hashlib.md5(tune(seed)).hexdigest()
            (folder / f"{stem}.mid").write_bytes(tune(seed))
            scores.setdefault(track_id, {})[stem] = 0.5 + seed / 100
    (tmp_path / "match_scores.json").write_text(json.dumps(scores))
    layout = lakh.read(tmp_path)
    assert len(layout.files) == 40
    assert layout.files[0].group == "TRABC00128F"
    assert {float(f.about["score"]) for f in layout.files} == {0.5 + seed / 100 for seed in range(40)}
    pieces = lakh_pieces.lakh_pieces(tmp_path, tmp_path / "cache", pitches, "1", by=SplitBy(0, 0.3, 0.3))
    assert pieces.description["groups"] == 20
    splits = [{Path(p.name).parent.name for p in pieces.pieces(split)} for split in SPLITS]
    assert all(splits)
    assert sum(map(len, splits)) == 20


@pytest.mark.parametrize("scores", [b"{", b"[]", b'{"TRA": 3}', None])
def test_a_broken_score_table_stops_nothing(tmp_path: Path, scores: bytes | None) -> None:
    folder = tmp_path / "lakh" / "lmd_matched" / "A" / "B" / "C" / "TRA"
    folder.mkdir(parents=True)
    (folder / "x.mid").write_bytes(tune(0))
    if scores is not None:
        (tmp_path / "lakh" / "match_scores.json").write_bytes(scores)
    [file] = lakh.read(tmp_path).files
    assert file.about == {}


def test_no_lakh_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="get it from the Lakh MIDI Dataset's page"):
        lakh_pieces.lakh_pieces(tmp_path, tmp_path / "cache", pitches, "1")


@pytest.mark.slow
def test_the_command_line(tmp_path: Path, repo: Path) -> None:
    full(tmp_path, tune(0), tune(0, "copy"), b"broken")
    command = [sys.executable, "-m", "datamodules.shared.lakh_pieces"]
    good = subprocess.run([*command, tmp_path, tmp_path / "cache"], cwd=repo, capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert '"pieces": 1' in good.stdout
    with (tmp_path / "cache" / "lakh" / "problems.csv").open() as file:
        assert sorted(row["reason"] for row in csv.DictReader(file)) == [
            "not a MIDI file",
            "same notes as another file",
        ]
    bad = subprocess.run([*command, tmp_path / "cache", tmp_path], cwd=repo, capture_output=True, text=True)
    assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)


def test_lakh_that_is_there_is_not_fetched(tmp_path: Path) -> None:
    full(tmp_path, tune(0))
    lakh.fetch(tmp_path)


def test_fetching_unpacks_what_the_archive_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, int]] = []

    def fake(url: str, path: Path, sha256: str, size: int, progress: bool) -> None:
        import tarfile

        asked.append((path.name, sha256, size))
        full(tmp_path / "made", tune(0))
        with tarfile.open(path, "w:gz") as out:
            out.add(tmp_path / "made" / "lmd_full", "lmd_full")

    monkeypatch.setattr(lakh, "download", fake)
    lakh.fetch(tmp_path, progress=False)
    assert len(lakh.read(tmp_path).files) == 1
    [(archive, sha256, size)] = asked
    assert (archive, len(sha256), size) == ("lmd_full.tar.gz", 64, 1_768_163_879)
