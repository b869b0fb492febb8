"""Songs that several tests look at: composed once, by the released models and by what stands in for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import Song, composed
from kmidi_lab.inference.published import release_root

Make = Callable[..., Song]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A song of `SongRequest`'s settings; `models=False` leaves all to the fallbacks."""
    empty = tmp_path_factory.mktemp("cache")

    @cache
    def run(models: bool = True, seed: int = 1, **settings: object) -> Song:
        root: Path | None = release_root() if models else None
        return composed(SongRequest(**settings), Players(root, empty), seed)  # type: ignore[arg-type]

    return run
