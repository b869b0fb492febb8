"""The page's old file of ratings is taken into the store, once."""

from __future__ import annotations

import json
from pathlib import Path

from kmidi_lab.feedback.store import Store
from kmidi_lab.serving.ratings import take_in_old

SONG = {
    "seed": 4_000_000_000,
    "mood": {"valence": -0.3, "arousal": 0.1, "nearest": "quiet grief"},
    "key": "F# minor",
    "tempo": 82.5,
    "style": "lofi",
    "models": {"structure": "a" * 64},
}


def test_old_ratings_are_stored_once_and_what_is_none_is_kept_apart(tmp_path: Path) -> None:
    old, store = tmp_path / "ratings.jsonl", Store(tmp_path / "feedback.db")
    rating = {"time": 1_790_000_000, "better": "second", "songs": [SONG, SONG]}
    lines = [rating, rating | {"better": "same"}, rating | {"better": "best"}, rating | {"songs": [SONG]}, [1], {}]
    text = "\n".join(map(json.dumps, lines)) + '\n{"time":'
    for _ in range(2):  # as if the machine had stopped before the file was removed
        old.write_text(text)
        take_in_old(tmp_path, store)
        assert not old.exists()
    events = list(store.events())
    assert sorted(e.action for e in events) == ["accepted"] * 3 + ["rejected"]
    assert len({e.group for e in events}) == 2 and {e.time for e in events} == {1_790_000_000}
    assert events[0].input == {"tempo": 82.5, "mood_valence": -0.3, "mood_arousal": 0.1}
    assert events[0].choices["mood_nearest"] == "quiet_grief" and events[0].choices["seed"] == "4000000000"
    refused = [json.loads(line) for line in (tmp_path / "ratings_refused.jsonl").read_text().splitlines()]
    assert len(refused) == 5 and all(r["why"] for r in refused)
    take_in_old(tmp_path, store)
