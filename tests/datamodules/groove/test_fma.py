"""FMA's published layout, made small: MP3 files by track id and the metadata table with its three-line heading."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.drum_recording import BPM, recording

from datamodules.groove import fma
from datamodules.groove.fma import files, read, tracks
from datamodules.groove.module import DrumPerformances
from kmidi_lab.errors import DataError
from kmidi_lab.models.groove.features import SWING
from kmidi_lab.models.groove.from_audio import RATE

HEADING = [["", "set", "set", "artist", "track", "track"], ["", "split", "subset", "id", "genre_top", "title"]]
HEADING.append(["track_id", "", "", "", "", ""])


def mp3(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples * 0.5, RATE, format="MP3")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("fma")
    rows = [
        [2, "training", "small", "1", "Hip-Hop", 'a "title", with a comma\nand a line'],
        [5, "test", "small", "2", "Rock", ""],
        [10, "validation", "small", "3", "Rock", ""],
        [140, "training", "small", "3", "Experimental", ""],
        [141, "training", "small", "3", "Rock", ""],
        [142, "training", "small", "3", "", ""],
        [150, "validation", "small", "4", "Pop", ""],
    ]
    (root / "fma_metadata").mkdir()
    with (root / "fma_metadata" / "tracks.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([*HEADING, *rows])
    folder = root / "fma_small" / "000"
    mp3(folder / "000002.mp3", recording({"mid": 15.0})[0])
    mp3(folder / "000005.mp3", recording({}, swing=1.0)[0])
    mp3(folder / "000010.mp3", np.full(3 * RATE, 1e-7))
    mp3(folder / "000140.mp3", recording({})[0])
    (folder / "000141.mp3").write_bytes(b"ID3\x04" + bytes(500))
    mp3(folder / "000142.mp3", recording({})[0])
    mp3(folder / "000150.mp3", recording({"low": 8.0}, swing=0.4)[0])
    mp3(folder / "000999.mp3", recording({})[0])
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
def test_recordings_become_takes_and_the_rest_is_counted(root: Path, cache: Path):
    reading = read(root, cache, workers=1)
    heard = {p: p.stat().st_mtime_ns for p in (cache / "fma").iterdir()}
    again = read(root, cache, workers=1)
    assert {p: p.stat().st_mtime_ns for p in (cache / "fma").iterdir()} == heard
    assert again.problems == reading.problems
    for first, second in zip(reading.items, again.items, strict=True):
        assert np.array_equal(first.performance.bars.timing, second.performance.bars.timing)
    assert [t.performance.id for t in reading.items] == ["fma/000002", "fma/000005", "fma/000150"]
    hip_hop, rock, _ = reading.items
    assert (hip_hop.performance.style, hip_hop.published, hip_hop.drummer) == ("laid_back", "train", "artist 1")
    # A straight genre that is heard to swing is called swing.
    assert (rock.performance.style, rock.published) == ("swing", "test")
    assert rock.performance.swing == SWING["swing"]  # the style's, not what was measured
    assert hip_hop.performance.bpm == pytest.approx(BPM, rel=0.02)
    reasons = sorted((Path(p.file).stem, p.reason) for p in reading.problems)
    assert reasons == [
        ("000010", "silent"),
        ("000140", "genre without a drum style"),
        ("000141", "not readable as audio"),
        ("000142", "genre without a drum style"),
        ("000999", "not in tracks.csv"),
    ]


def test_the_largest_set_is_taken_and_without_a_table_there_is_none(root: Path, tmp_path: Path):
    found = files(root)
    assert found[0].name == "tracks.csv" and len(found) == 9
    (tmp_path / "fma_small").mkdir()
    assert files(tmp_path) == []


@pytest.mark.parametrize("text", ["", "a,b\n", "track_id,set\n,split\nx\n", "\xff"])
def test_another_table_is_one_clear_error(tmp_path: Path, text: str):
    table = tmp_path / "tracks.csv"
    table.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="not FMA's table of tracks"):
        tracks(table)


def test_every_style_is_one_of_the_contracts():
    from kmidi_lab.models.groove.features import STYLES

    assert set(fma._STYLES.values()) <= set(STYLES)


@pytest.mark.slow
def test_the_grooves_train_a_model_like_any_other_takes(root: Path, cache: Path):
    data = DrumPerformances(str(root), str(cache), sources=["fma"], progress=False)
    data.setup("fit")
    described = data.describe()
    assert {s: len(data.songs(s)) for s in ("train", "val", "test")} == {"train": 1, "val": 1, "test": 1}
    assert described["split"]["rule"] == "as published" and described["stand_in"] is None
    assert "heard by onset detection" in described["sources"][0]["note"]
    assert described["problems"]["silent"] == 1
    assert data.probes().shape[1] == 64 and np.isfinite(data.probes()).all()
