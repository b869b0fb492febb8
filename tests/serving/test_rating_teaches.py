"""The whole way of a rating on the page: songs are composed, one is liked better, and harmony and groove learn from it
or are refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from support.validated import validated_once  # noqa: F401  a fixture of all tests here

import kmidi_lab
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.api import request_of
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.midi.sound import NoSoundError
from kmidi_lab.models.groove.feedback import GrooveFeedback
from kmidi_lab.retraining.lessons import read_lessons
from kmidi_lab.serving.app import make_app
from kmidi_lab.serving.guards import Hosts
from kmidi_lab.serving.studio import Studio
from kmidi_lab.song.elements import Note
from tests.conftest import Cli
from tests.serving.conftest import HOST

SONG = {"key": "C", "emotion": "calm", "style": "pop", "sections": "verse 4"}
PAIRS = 6
KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@pytest.fixture(autouse=True)
def _chords_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tunes and sound take most of the time, and say nothing here."""

    def none(midi: bytes) -> bytes:
        raise NoSoundError("not here")

    monkeypatch.setattr("kmidi_lab.serving.studio.wav_bytes", none)
    monkeypatch.setattr("kmidi_lab.composition.kind_tunes.section_tune", lambda *_: [Note(0.0, 1.0, 72, 80)])
    monkeypatch.setattr("kmidi_lab.composition.kind_tunes.with_end", lambda _, tune, *more: list(tune))
    monkeypatch.setattr("kmidi_lab.composition.players.Players.note", lambda *_: None)  # of a melody that wasn't asked


def _composed(client: TestClient, seed: int, **more: object) -> tuple[str, list[str]]:
    """The name of a song, and its chords but for the last, which closes it."""
    song = client.post("/api/compose", json={"seed": seed, **SONG, **more}).json()
    assert "chosen" not in song["files"] and client.get(f"/api/song/{song['id']}.chosen").status_code == 404
    return song["id"], song["trace"]["form"]["sections"][0]["chords"][:-1]


def _rate(client: TestClient, first: str, second: str, better: str) -> None:
    done = client.post("/api/rate", json={"first": first, "second": second, "better": better})
    assert done.status_code == 200, done.text


@pytest.mark.slow
def test_a_rating_keeps_what_harmony_was_given_for_each_chord_that_it_drew(client: TestClient, tmp_path: Path) -> None:
    (worse, _), (better, chords) = (_composed(client, seed) for seed in (7, 2))
    _rate(client, worse, better, "second")
    events = list(Store(tmp_path / "feedback.db").events("harmony"))
    kept = {e.choices["chosen"]: e for e in events if e.action == "accepted"}
    assert set(chords) <= set(kept) and {e.choices["song"] for e in kept.values()} == {better}
    assert {e.choices["song"] for e in events if e.action == "rejected"} == {worse}
    [page] = {e.group for e in Store(tmp_path / "feedback.db").events("page")}
    assert {e.group for e in events} == {page}
    root = release_root() or Path()
    published = load_published(root, "harmony")
    assert published is not None
    assert {e.artefact for e in events} == {published.entry["exports"]["onnx_sha256"]}
    asked = request_of("harmony")(chords=f"{chords[0]} |", key="C major", emotion="calm")
    vector = asked.vector(published)
    assert vector is not None
    asked_then = np.array(kept[chords[1]].input, np.float32)
    assert np.flatnonzero(asked_then[:120]).tolist() == np.flatnonzero(vector[:120]).tolist()

    drums = list(Store(tmp_path / "feedback.db").events("groove"))
    assert {e.choices["song"] for e in drums if e.action == "accepted"} == {better}
    assert {e.group for e in drums} == {page}
    groove = load_published(root, "groove")
    assert groove is not None
    hashes = {groove.entry["exports"]["onnx_sha256"]}
    training = GrooveFeedback()
    lessons = read_lessons(
        drums, groove.contract, hashes, lambda judged: training.answer(judged, {}),
        lambda answers, liked, x: training.targets(answers, liked, x, {}), training.REJECTIONS,
    )  # fmt: skip
    assert 0 < len(lessons) == sum(e.action == "accepted" for e in drums) <= 4 and lessons.judgements == 1
    assert list(lessons.left_out) == ["rejected, which says nothing of what would be better"]
    assert training.losses(groove.call(lessons.x), {}, lessons.x, lessons.targets).min() > 0, (
        "played otherwise than it said"
    )

    _rate(client, worse, better, "same")
    assert len(list(Store(tmp_path / "feedback.db").events("harmony"))) == len(events), "says nothing of the chords"
    typed = [_composed(client, seed, chords="C F G C")[0] for seed in (1, 2)]
    _rate(client, *typed, "first")
    assert len(list(Store(tmp_path / "feedback.db").events("harmony"))) == len(events), "harmony drew none of them"


DATA = ("data.sources=[embedded]", "hardware=cpu", "trainer.progress=false", "export.calls=20")


@pytest.mark.slow
def test_composed_rated_retrained_and_promoted_or_refused_with_the_reason(called: Cli, tmp_path: Path) -> None:
    """The whole loop on a model of little data: songs of it are rated by a taste, and it is trained on the ratings."""
    trained = called("model=harmony", *DATA, "trainer.max_epochs=1", "trainer.limit_train_batches=20")
    assert trained.returncode == 0, trained.stderr
    models, outputs = tmp_path / "outputs" / "models", tmp_path / "outputs"
    studio = Studio(models, outputs, tmp_path / "cache", release_root())
    client = TestClient(make_app(studio, Hosts("127.0.0.1", 8765), 0.5), base_url=f"http://{HOST}")
    # Each song in a key or of a feeling of its own, or the same chords would be liked and disliked.
    for key in KEYS:
        calm, angry = (_composed(client, 1, key=key, emotion=emotion)[0] for emotion in ("calm", "angry"))
        _rate(client, calm, angry, "first")
    before = {path: path.read_bytes() for path in models.glob("harmony*")}
    done = called("task=retrain", "model=harmony", *DATA, "retrain.steps=60", "retrain.learning_rate=3e-3")
    counted = re.search(r"of 1 user; they count as (\d+): those of one rated song as one", done.stdout)
    assert counted and 20 <= int(counted[1]) <= 2 * len(KEYS), done.stdout + done.stderr
    said = "frozen test: loss " in done.stdout and "held-out feedback: loss " in done.stdout
    after = {path: path.read_bytes() for path in models.glob("harmony*")}
    if done.returncode == 0:
        assert said and "published in" in done.stdout and after != before
        assert (
            "to go back to the version before: python -m kmidi_lab task=registry registry.action=rollback"
            in done.stdout
        )
    else:
        assert said and done.returncode == 1 and "nothing was published: " in done.stderr and after == before


@pytest.mark.slow
def test_songs_composed_and_rated_make_a_version_of_ones_own_or_say_why_not(
    client: TestClient, called: Cli, tmp_path: Path
) -> None:
    good, bad = list[tuple[str, list[str]]](), list[tuple[str, list[str]]]()
    for seed in range(1, 100):
        song = _composed(client, seed)
        (good if song[1][1] == "Am" else bad).append(song)
        if min(len(good), len(bad)) == PAIRS:
            break
    ask = ("task=adapt", "model=harmony", f"models_root={release_root()}", "adapt.use=mine", "paths.output_root=.")
    _rate(client, good[0][0], bad[0][0], "first")
    few = called(*ask)
    assert few.returncode == 2 and "they count as 2: those of one rated song as one" in few.stdout
    assert "2 events can be learnt from; 10 are needed" in few.stderr
    for (better, _), (worse, _) in zip(good[1:PAIRS], bad[1:PAIRS], strict=True):
        _rate(client, worse, better, "second")
    made = called(*ask)
    assert made.returncode == 0, made.stderr
    counted = re.search(r"they count as (\d+): ", made.stdout)
    assert counted and PAIRS < int(counted[1]) <= 2 * PAIRS, made.stdout
    before, after = (
        dict(kmidi_lab.load("harmony", release_root(), adapter=folder).predict("C |", key="C", emotion="calm", top=96))
        for folder in (None, tmp_path / "adapters" / "harmony" / "mine")
    )
    assert after["Am"] > 1.2 * before["Am"]
