"""Lakh's melodies: from disk and from a stream, without a piece or a version of it in two splits."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from support.smf import END, midi, name, note, track

from datamodules.melody import lakh
from datamodules.melody.lakh import LakhMelodies
from datamodules.melody.module import Melodies
from datamodules.shared import stream
from datamodules.shared.shards import Shards
from datamodules.shared.splits import SPLITS
from kmidi_lab.command_line import with_model
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.melody.evaluation import MelodyEvaluator
from kmidi_lab.models.melody.features import notes_of
from kmidi_lab.registry.policy import entry_status
from kmidi_lab.run_record import Identity, RunRecord
from kmidi_lab.run_scores import Primary, Scores
from kmidi_lab.typed_json import from_json

Make = Callable[..., LakhMelodies]


def tune_track(seed: int, up: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    line = 55 + up + np.cumsum(rng.choice([-4, -3, -2, -1, 1, 2, 3, 5, 7], 150)) % 24
    return track(name("Melody") + b"".join(note(int(p), 80, 240) for p in line) + END)


def tune(seed: int, up: int = 0) -> bytes:
    return midi(tune_track(seed, up))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 tunes, 20 of them a fourth higher, too, and two files that are none."""
    folder = tmp_path_factory.mktemp("lakh")
    drums = midi(track(b"".join(note(36, 80, 100, channel=9) for _ in range(40)) + END))
    for content in [*(tune(s) for s in range(60)), *(tune(s, 5) for s in range(20)), b"broken", drums]:
        stem = hashlib.md5(content).hexdigest()
        path = folder / "lmd_full" / stem[0] / f"{stem}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def make(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    cache = tmp_path_factory.mktemp("cache")

    def make(where: Path = root, **settings: Any) -> LakhMelodies:
        settings = {
            "val_share": 0.2,
            "test_share": 0.2,
            "batch_size": 8,
            "window": 16,
            "windows_per_epoch": 64,
            **settings,
        }
        return LakhMelodies(str(where), str(cache), progress=False, **settings)

    return make


def ready(data: LakhMelodies) -> LakhMelodies:
    data.prepare_data()
    data.setup("fit")
    return data


def test_every_distinct_tune_is_there_once_and_said_so(make: Make, tmp_path: Path) -> None:
    data = ready(make())
    described = data.describe()
    assert described["problems"] == {"not a MIDI file": 1, "no melody": 1}
    assert sum(described["split"][s]["songs"] for s in SPLITS) == 80
    assert sum(described["split"][s]["notes"] for s in SPLITS) == 80 * 150
    assert described["id"] == "lakh" and described["stand_in"] is None
    json.dumps(described)
    data.write_problems(tmp_path / "problems.csv")
    assert len((tmp_path / "problems.csv").read_text().splitlines()) == 3


def test_a_tune_in_another_key_is_in_the_same_split(make: Make) -> None:
    data = ready(make())
    where = {tuple(np.diff(m.pitch.astype(int)).tolist()): set() for m in data.songs("all")}
    for split in SPLITS:
        for melody in data.songs(split):
            where[tuple(np.diff(melody.pitch.astype(int)).tolist())].add(split)
    assert len(where) == 60 and all(len(splits) == 1 for splits in where.values())
    assert data.overlap(data.songs("test")) == 0
    assert data.overlap(data.songs("train")) == len(data.songs("train"))


def test_only_some_are_held_and_all_are_drawn_from(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lakh, "_POOL", 12)
    monkeypatch.setattr(lakh, "_RUN", 4)
    data = ready(make(scored=5, fitted_notes=600))
    assert [len(data.songs(s)) for s in SPLITS] == [4, 5, 5]
    assert (data.counts("train")["fitted"], data.counts("test")["scored"]) == (4, 5)
    all_of_them = {tuple(m.pitch.tolist()) for m in data.melodies("train")}
    drawn = {tuple(m.pitch.tolist()) for seed in range(40) for m in data.pool(seed)}
    assert drawn == all_of_them and len(drawn) == data.counts("train")["songs"] > 20
    steps = {tuple(np.diff(np.array(p, int)).tolist()) for p in all_of_them}
    for batch in data.train_dataloader():
        for pitch, real in zip(batch.pitch, batch.real, strict=True):
            own = tuple(torch.diff(pitch[real]).tolist())
            assert any(own == line[i : i + len(own)] for line in steps for i in range(len(line)))


def test_baselines_that_saw_less_than_the_network_give_no_verdict(make: Make) -> None:
    data = ready(make(scored=5, fitted_notes=600))
    everything = data.counts("train")["notes"]
    assert "600 notes" in data.uneven() and f"data.fitted_notes={everything}" in data.uneven()
    assert ready(make()).uneven() == ""
    for epochs, fair in ((0, True), (1, False)):  # an epoch draws 64 windows of 16 notes
        data.trainer = SimpleNamespace(current_epoch=epochs)  # type: ignore[assignment]
        assert (data.uneven() == "") is fair
    evaluator = MelodyEvaluator()
    even = ready(make(scored=5))
    call = lambda x: np.full((*x.shape[:2], 128), 1 / 128, np.float32)
    for training, expected in ((data, "no fair comparison: baselines were fitted on 600"), (even, "does not beat")):
        primary = evaluator.verdict(evaluator(call, {}, even, "test", training), "test")
        scores = Scores(primary=from_json(Primary, primary))
        status, reason = entry_status(RunRecord(Identity(), scores=scores))
        assert status == "training" and reason.startswith(expected)


@pytest.mark.slow
def test_epochs_repeat_and_differ(make: Make) -> None:
    sequences = [ready(make()).sequences("train") for _ in range(2)]
    (first, second), (again, _) = ([torch.cat([x for x, _ in s]) for _ in range(2)] for s in sequences)
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_limit_takes_the_first_by_md5(make: Make) -> None:
    data = make(limit=30)
    data.prepare_data()
    data.setup()
    assert data.describe()["files"] == 30


def test_the_other_melodies_take_some_of_lakh_along(root: Path, tmp_path: Path) -> None:
    data = Melodies(str(root), str(tmp_path), sources=["lakh", "pop909"], progress=False)
    data.setup("fit")
    described = data.describe()
    assert [(s["name"], s["songs"]) for s in described["sources"]] == [("lakh", 60)]
    assert described["absent"] == ["pop909"] and described["stand_in"] is None
    assert described["problems"] == {
        "same notes as another, whatever the key": 20,
        "not a MIDI file": 1,
        "no melody": 1,
    }


@pytest.mark.parametrize(
    "wrong", [{"limit": -1}, {"scored": 0}, {"fitted_notes": 0}, {"workers": 0}, {"val_share": 0.0}]
)
def test_wrong_settings_are_one_line(make: Make, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        make(**wrong)


def test_without_lakh_it_says_how_to_get_it(make: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"task=prepare data=lakh data.fetch=true"):
        make(tmp_path).prepare_data()


def test_fetch_comes_first(make: Make, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Path] = []

    def fetch(where: Path, progress: bool) -> None:
        fetched.append(where)
        (where / "lmd_full").symlink_to(root / "lmd_full")

    monkeypatch.setattr(lakh.lakh, "fetch", fetch)
    data = ready(make(tmp_path, fetch=True))
    assert fetched == [tmp_path] and data.songs("train")


def test_a_stream_without_litdata_says_what_to_install(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'kmidi_lab\[stream\]'"):
        make(stream=True).prepare_data()


def test_pictures_in_folders_named_as_splits_are_no_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "require", lambda: None)
    for split in ("train", "val", "test"):
        (tmp_path / split / "cats").mkdir(parents=True)
        (tmp_path / split / "cats" / "1.jpg").write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"holds .\w+/cats., so it is no stream of the lab"):
        stream.write(str(tmp_path), Shards([]), {}, {}, 1)
    assert len(list(tmp_path.rglob("*.jpg"))) == 3


@pytest.mark.parametrize("name", ["thesis.txt", "train.txt", ".ssh", "runs"])
def test_a_folder_that_holds_anything_else_is_never_replaced_by_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(stream, "require", lambda: None)
    for kept in ("train", name):
        (tmp_path / kept).mkdir()
    with pytest.raises(ConfigError, match=r"so it is no stream of the lab; name a folder that is empty"):
        stream.write(str(tmp_path), Shards([]), {}, {}, 1)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="no folder that can be read"):
        stream.write(str(tmp_path / "file"), Shards([]), {}, {}, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"train", name, "file"}


@pytest.mark.slow
def test_a_stream_holds_what_the_disk_holds(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("litdata", reason="needs litdata: pip install 'kmidi_lab[stream]'")
    plain = ready(make())
    streamed = ready(make(stream=True, stream_dir=str(tmp_path / "stream"), workers=1))
    written = sorted((tmp_path / "stream").rglob("*.bin"))
    moved = ready(make(tmp_path, stream=True, stream_dir=str(tmp_path / "stream")))  # no Lakh here
    assert sorted((tmp_path / "stream").rglob("*.bin")) == written
    for split in SPLITS:
        ours = {m.id: notes_of(m).pitch.tolist() for m in plain.melodies(split)}
        for data in (streamed, moved):
            assert {m.id: notes_of(m).pitch.tolist() for m in data.melodies(split)} == ours
    assert plain.describe() == streamed.describe() == moved.describe()
    orders = [[m.id for m in streamed.melodies("train", seed)] for seed in (0, 1)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])
    assert sum(len(b.pitch) for b in moved.train_dataloader()) == 64


@pytest.mark.slow
def test_a_stream_from_someone_else_runs_nothing(tmp_path: Path) -> None:
    litdata = pytest.importorskip("litdata", reason="needs litdata: pip install 'kmidi_lab[stream]'")
    script = (
        f"import litdata, os\nclass Evil:\n def __reduce__(self): return os.mkdir, ({str(tmp_path / 'mark')!r},)\n"
        f"def item(n): return Evil()\nif __name__ == '__main__': "
        f"litdata.optimize(item, [0], {str(tmp_path / 'about')!r}, chunk_bytes='1MB', num_workers=1, verbose=False)"
    )
    (tmp_path / "write.py").write_text(script)
    subprocess.run([sys.executable, str(tmp_path / "write.py")], check=True, capture_output=True, cwd=tmp_path)
    shutil.copytree(tmp_path / "about", tmp_path / "train")
    assert litdata and not (tmp_path / "mark").exists()
    for ask in (lambda: stream.about(str(tmp_path)), lambda: list(stream.read(str(tmp_path), "train"))):
        with pytest.raises(DataError, match="pickled objects"):
            ask()
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        (["task=prepare", "data=lakh"], "melody"),
        (["data=fma"], "groove"),
        (["data=chord_db"], None),
        (["data=no_such"], None),
        (["model=dynamics", "data=lakh"], None),
        (["seed=3"], None),
    ],
)
def test_data_alone_names_the_model_that_takes_it(typed: list[str], model: str | None) -> None:
    assert with_model(typed) == [*typed, *([f"model={model}"] if model else [])]


def test_arrangements_of_a_tune_share_a_split(make: Make, tmp_path: Path) -> None:
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        harmony = b"".join(note(int(p), 70, 120, channel=1) for p in rng.integers(30, 54, 600))
        content = midi(tune_track(seed % 10), track(name("Strings") + harmony + END))
        stem = hashlib.md5(content).hexdigest()
        path = tmp_path / "lmd_full" / stem[0] / f"{stem}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    data = make(tmp_path, split="all")
    data.prepare_data()
    data.setup()
    where = {tuple(np.diff(m.pitch.astype(int))): set() for split in SPLITS for m in data.songs(split)}
    for split in SPLITS:
        for melody in data.songs(split):
            where[tuple(np.diff(melody.pitch.astype(int)))].add(split)
    assert len(where) == 10
    assert all(len(splits) == 1 for splits in where.values())
    assert set.union(*where.values()) == set(SPLITS)
