"""The material of benchmarks/fine_tuning.py: charts and takes of one user, and what a fine-tuning of them starts from.

Settings are chosen on the material of `development`, which shares nothing with that of the table: charts that the
release has validated with (`pop`) or never met (`jazz`: others of the standards), and takes of drummers 1, 3 and 8 for
a network that has not heard these.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

OUTPUTS = Path(__file__).resolve().parents[1] / "outputs"
_RELEASE = {"pop": OUTPUTS / "release", "jazz": OUTPUTS / "release_mit"}
_SOURCE = {"pop": "pop909", "jazz": "jazz_standards"}
_UNHEARD = {True: ("drummer1", "drummer3", "drummer8"), False: ("drummer3", "drummer4", "drummer7")}
_USERS = {True: ("drummer1", "drummer3", "drummer8"), False: ("drummer7",)}
_TUNE_TAKES, _VAL_TAKES, _CHARTS = 8, 2, 150
_SHARES = {
    "many": ("data.val_share=0.07", "data.test_share=0.73"),
    "few": ("data.val_share=0.1", "data.test_share=0.5"),
}
"""Of some 150 charts 30 to 45 are left for tuning, 8 of them to choose the best epoch; of 80 charts as many."""


def start(case: str, data_root: Path, work: Path, development: bool, train: Callable[..., Any]) -> Path:
    """A models folder whose network knows none of the user's material; the groove release has heard all drummers."""
    if case in _RELEASE:
        return _RELEASE[case]
    folder = work / f"groove_start{'_development' if development else ''}"
    if not (folder / "registry.json").is_file():
        unheard = f"data.test_drummers=[{','.join(_UNHEARD[development])}]"
        train("groove", [f"data.root={data_root}", unheard, "export.enabled=true", f"models_root={folder}"], 0, work)
    return folder


def material(case: str, data_root: Path, work: Path, draw: int, development: bool) -> list[str]:
    """What a command line says of the user's data in one draw."""
    root = work / f"{case}{'_development' if development else ''}_{draw}"
    shutil.rmtree(root, ignore_errors=True)
    if case == "groove":
        _takes(data_root, root, draw, _USERS[development])
        return ["data.batch_size=4", f"data.root={root}"]
    names = _charts(case, data_root, work, development)
    if case == "pop":
        for name in names:
            shutil.copytree(data_root / "pop909" / name, root / "pop909" / name)
    else:
        file = Path("jazz_standards", "JazzStandards.json")
        tunes = [t for t in json.loads((data_root / file).read_text(encoding="utf-8")) if t["Title"] in names]
        (root / file).parent.mkdir(parents=True)
        (root / file).write_text(json.dumps(tunes), encoding="utf-8")
    shares = _SHARES["many" if len(names) > 100 else "few"]
    # Seed 0 is the release's, by which all of these are in one part.
    own = (f"data.sources=[{_SOURCE[case]}]", f"data.split_seed={draw + 1}", "data.batch_size=64", f"data.root={root}")
    return [*own, *shares]


def _charts(case: str, data_root: Path, work: Path, development: bool) -> list[str]:
    """Names of the user's charts: of the release's test part, for development of another."""
    from datamodules.harmony.module import ChordSongs

    songs = ChordSongs(str(data_root), str(work / "cache"), progress=False)
    songs.setup("test")
    part = "test" if not development else "val" if case == "pop" else "train"  # the MIT release has trained on no jazz
    names = sorted({song.id.split("/")[1] for song in songs.songs(part) if song.source == _SOURCE[case]})
    return names if len(names) <= _CHARTS else random.Random(0).sample(names, _CHARTS)


def _takes(data_root: Path, root: Path, draw: int, users: tuple[str, ...]) -> None:
    rows = list(csv.DictReader((data_root / "groove" / "info.csv").open(encoding="utf-8")))
    user = users[draw % len(users)]
    own = [r for r in rows if r["drummer"] == user and (r["beat_type"], r["time_signature"]) == ("beat", "4-4")]
    random.Random(draw).shuffle(own)
    for number, row in enumerate(own):
        held_out = number >= _TUNE_TAKES + _VAL_TAKES
        row["split"] = "test" if held_out else "train" if number < _TUNE_TAKES else "validation"
        path = root / "groove" / row["midi_filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data_root / "groove" / row["midi_filename"], path)
    with (root / "groove" / "info.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, own[0].keys())
        writer.writeheader()
        writer.writerows(own)
