"""The labelling page's routes: what is asked, kept, taken back and refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from kmidi_lab.feedback.labels import Labels
from kmidi_lab.feedback.material import Asker, Item, material
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.models.instrument.predict import HeardInstruments
from kmidi_lab.models.intent.predict import FeelingOf
from kmidi_lab.serving.guards import Hosts
from kmidi_lab.serving.label_app import make_label_app
from kmidi_lab.serving.labelling import Desk

HOST = "127.0.0.1:8767"
LINES = ("I miss the house by the sea", "What a day, I could dance", "They lied to me again")


def asker(model: str, request) -> Asker:
    root = release_root()
    assert root is not None
    published = load_published(root, model)
    assert published is not None
    return Asker(request, published)


def client(of: Asker, items: list[Item], folder: Path) -> TestClient:
    desk = Desk(of, items, Labels(Store(folder / FILE), of.published.contract.model))
    app = make_label_app(desk, Hosts("127.0.0.1", 8767))
    return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)


@pytest.fixture
def texts(tmp_path: Path) -> TestClient:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("\n".join(LINES))
    of = asker("intent", FeelingOf)
    return client(of, list(material(of, tmp_path / "texts", print, set())), tmp_path)


def test_a_label_is_on_disk_when_the_page_says_so_and_names_are_not(texts: TestClient, tmp_path: Path) -> None:
    assert texts.get("/api/queue").json() == {"model": "intent", "items": 3, "typed": "", "tapped": False}
    shown = texts.get("/api/item/1").json()
    assert shown["text"] == LINES[1] and shown["source"] == "a.txt:2" and "happy" in shown["choices"]
    assert not shown["sound"] and "guess" not in shown, "the guess would sway the rater"
    said = texts.post("/api/item/1/label", json={"name": "Ann Lee", "label": "happy"}).json()
    assert said["labels"] == {"1": "happy"} and said["kept"] == "happy" and 0 < said["chance"] <= 1
    [event] = Store(tmp_path / FILE).events("intent")
    assert (event.action, event.label) == ("labelled", "happy") and len(event.input or []) == 128
    assert event.artefact and len(event.artefact) == 64
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("feedback.db*"))
    assert b"Ann" not in kept and b"dance" not in kept
    for name, label in (("bob", "happy"), ("bob", "surprise")):
        said = texts.post("/api/item/1/label", json={"name": name, "label": label}).json()
    assert said["agreement"] == [{"with": "Ann Lee", "common": 1, "alike": 0, "kappa": 0.0}]
    assert texts.post("/api/rater", json={"name": " Ann  Lee "}).json()["labels"] == {"1": "happy"}
    assert texts.post("/api/item/1/undo", json={"name": "bob"}).json()["labels"] == {}
    assert [e.label for e in Store(tmp_path / FILE).events("intent")] == ["happy"]


def test_what_is_wrong_is_refused_in_one_line_and_nothing_is_kept(texts: TestClient, tmp_path: Path) -> None:
    for path, sent, code, why in (
        ("/api/item/1/label", {"name": "ann", "label": "joyful!"}, 400, "is not allowed"),
        ("/api/item/1/label", {"name": " ", "label": "happy"}, 400, "give your name"),
        ("/api/item/1/label", {"name": "n" * 41, "label": "happy"}, 400, "give your name"),
        ("/api/item/1/label", {"name": "ann"}, 400, "label must be a text"),
        ("/api/item/1/label", {"name": "ann", "label": "happy", "path": "x"}, 400, "send a JSON object"),
        ("/api/item/3/label", {"name": "ann", "label": "happy"}, 400, "no question 3"),
        ("/api/item/-1/label", {"name": "ann", "label": "happy"}, 404, "by its number"),
        ("/api/item/..%2Fa.txt/label", {"name": "ann", "label": "happy"}, 404, ""),
        ("/api/item/1/label", {"name": "n" * 5000, "label": "happy"}, 413, "send less"),
    ):
        answer = texts.post(path, json=sent)
        assert answer.status_code == code and why in answer.text, path
    assert (
        texts.post("/api/item/1/label", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    )
    form = {"content-type": "text/plain"}
    assert texts.post("/api/item/1/label", content=b'{"name":"ann","label":"sad"}', headers=form).status_code == 415
    assert texts.get("/api/queue", headers={"host": "evil.example:8767"}).status_code == 403
    for path in (
        "/api/item/..%2f..%2fetc%2fpasswd/sound",
        "/a.txt",
        "/texts/a.txt",
        "/api/item/0/../a.txt",
        "/api/item/٣",
    ):
        assert texts.get(path).status_code == 404, path
    assert texts.get("/api/item/0/sound").status_code == 400
    assert not list(Store(tmp_path / FILE).events())
    headers = texts.get("/").headers
    assert (
        headers["cross-origin-resource-policy"] == "same-origin"
        and "frame-ancestors" in headers["content-security-policy"]
    )


def test_a_recording_is_heard_until_another_lies_there(tmp_path: Path) -> None:
    path, of = tmp_path / "tone.wav", asker("instrument", HeardInstruments)
    soundfile.write(path, 0.2 * np.sin(np.arange(8000) / 5), 16_000)
    question = next(HeardInstruments.questions(path, of.published))
    names = of.request.labels(of.published)
    guess = Guess(np.zeros(160, np.float32), np.full(len(names), 1 / len(names)), names)
    page = client(of, [Item(question, "tone.wav", guess), Item(Question("b" * 64), "x", guess)], tmp_path)
    assert len(page.get("/api/item/0").json()["choices"]) == len(names) == 32
    answer = page.get("/api/item/0/sound")
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert (
        answer.headers["content-type"] == "audio/wav"
        and rate == 44_100
        and len(samples) == pytest.approx(22_050, abs=5)
    )
    path.write_bytes(b"RIFF")
    assert "another by now" in page.get("/api/item/0/sound").json()["error"]
    path.unlink()
    assert page.get("/api/item/0/sound").status_code == 400


def test_a_rater_whose_labels_were_deleted_is_told_so(texts: TestClient, tmp_path: Path) -> None:
    texts.post("/api/item/0/label", json={"name": "ann", "label": "sad"})
    store = Store(tmp_path / FILE)
    store.forget([next(store.events()).use])
    again = texts.post("/api/item/1/label", json={"name": "ann", "label": "sad"})
    assert again.status_code == 400 and "choose another name" in again.json()["error"]
