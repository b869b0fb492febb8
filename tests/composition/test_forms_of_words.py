"""The words of a song decide its form beside mood and seed."""

from __future__ import annotations

from types import SimpleNamespace

from kmidi_lab.composition.brief import Mood, chosen
from kmidi_lab.composition.song import _drawn


class Drawing:
    """Keeps the seeds that forms are drawn by."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def ask(self, model: str, seed: int, **asked: object) -> SimpleNamespace:
        self.seeds.append(seed)
        return SimpleNamespace(sections=())


def test_songs_of_one_mood_and_seed_have_forms_of_their_own() -> None:
    players = Drawing()
    for title in ("I miss the sea", "I miss the sea", "my dog died on sunday"):
        _drawn(players, chosen(title, Mood(-0.5, -0.3), 32, 1), 1)  # type: ignore[arg-type]
    once, again, other = players.seeds
    assert once == again != other
