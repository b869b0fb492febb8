"""A folder with one model of the user's own does not hide the released ones."""

from __future__ import annotations

import json
from pathlib import Path

from kmidi_lab.composition.players import Players
from kmidi_lab.inference.published import release_root
from kmidi_lab.tasks import roots


def _own(folder: Path) -> Path:
    """A models folder that holds nothing but harmony's entry."""
    release = release_root()
    assert release is not None
    registry = json.loads((release / "registry.json").read_text())
    registry["models"] = [m for m in registry["models"] if m["id"] == "harmonypredictor"]
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


def test_a_folder_publishes_what_its_registry_names(tmp_path: Path) -> None:
    own = _own(tmp_path)
    assert roots._publishes(own, "harmony")
    assert not roots._publishes(own, "intent")
    assert roots._publishes(own, None)
    assert not roots._publishes(tmp_path / "none", None)
