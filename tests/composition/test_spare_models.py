"""A folder with one model of the user's own does not hide the released ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import composed
from kmidi_lab.inference.published import example_root, release_root
from kmidi_lab.tasks import roots


def _own(folder: Path, status: str = "trained") -> Path:
    """A models folder that holds nothing but harmony, with its status."""
    release = release_root()
    assert release is not None
    registry = json.loads((release / "registry.json").read_text())
    registry["models"] = [m for m in registry["models"] if m["id"] == "harmonypredictor"]
    for entry in registry["models"]:
        entry["status"] = status
        for name in entry["files"]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((release / name).read_bytes())
    (folder / "registry.json").write_text(json.dumps(registry))
    return folder


def test_a_song_takes_what_the_users_folder_lacks_from_the_release(tmp_path: Path) -> None:
    own = _own(tmp_path)
    players = Players(own, tmp_path, release_root())
    players.ask("intent", text="I am so happy")
    assert not players.trace["intent"].fallback
    alone = Players(own, tmp_path)
    alone.ask("intent", text="I am so happy")
    assert alone.trace["intent"].fallback


@pytest.mark.slow
@pytest.mark.parametrize("status", ["trained", "training"])
def test_a_model_of_ones_own_that_is_not_good_is_told(tmp_path: Path, status: str) -> None:
    request = SongRequest("I am so happy", bars=4)
    song = composed(request, Players(_own(tmp_path, status), tmp_path, release_root()), 1)
    line = "harmony: your own model, whose status is training, in the place of the released one; "
    line += f"{example_root()} takes that"
    assert (line in song.remarks) == (status == "training")
    assert {m["model"] for m in song.trace["models"] if m["own"]} == {"harmony"}


def test_the_release_itself_is_nobodys_own(tmp_path: Path) -> None:
    players = Players(release_root(), tmp_path, release_root())
    players.ask("intent", text="I am so happy")
    assert players.trace["intent"].own == ""


def test_a_folder_publishes_what_its_registry_names(tmp_path: Path) -> None:
    own = _own(tmp_path)
    assert roots._publishes(own, "harmony")
    assert not roots._publishes(own, "intent")
    assert roots._publishes(own, None)
    assert not roots._publishes(tmp_path / "none", None)
