"""Songs that several tests look at: composed once, by the released models and by what stands in for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from support.sketching import few_candidates

from kmidi_lab.composition import players
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import Song, composed
from kmidi_lab.inference.published import Published, load_published, release_root

Make = Callable[..., Song]


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """The released models are read and checked once, not for each song: an eighth of a short one's time."""
    released = cache(lambda model: load_published(release_root(), model))

    def load(root: Path, model: str) -> Published | None:
        return released(model) if root == release_root() else load_published(root, model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(players, "load_published", load)
        yield


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A song of `SongRequest`'s settings; `models=False` leaves all to the fallbacks."""
    empty = tmp_path_factory.mktemp("cache")

    @cache
    def run(models: bool = True, seed: int = 1, **settings: object) -> Song:
        root: Path | None = release_root() if models else None
        return composed(SongRequest(**settings), Players(root, empty), seed)  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="session")
def sketch(make: Make) -> Make:
    """As `make`, but chosen from few tunes and rounds: for tests of what is asked and told, not of how good it is."""

    @cache
    def run(**settings: object) -> Song:
        with pytest.MonkeyPatch.context() as patch:
            few_candidates(patch)
            return make.__wrapped__(**settings)  # type: ignore[attr-defined]

    return run
