"""What people are asked about chord charts, and what becomes of their answers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.played import midi_of
from kmidi_lab.errors import ConfigError, DataError, UserError
from kmidi_lab.feedback.material import Asker, material
from kmidi_lab.feedback.queue import queue_items, queue_rows
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.published import Published, load_published, release_root
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.harmony import asking
from kmidi_lab.models.harmony.predict import NextChords

TWO = "C | Am | Dm7 |\n| G7 | C | F#m7b5\n\nDm7 G7 C\n"


@pytest.fixture(scope="module")
def published() -> Published:
    root = release_root()
    assert root is not None
    model = load_published(root, "harmony")
    assert model is not None
    return model


def test_a_file_holds_songs_and_each_chord_behind_the_second_is_a_question(
    tmp_path: Path, published: Published
) -> None:
    path = tmp_path / "tunes.txt"
    path.write_text(TWO)
    assert list(asking.charts(path)) == [
        (1, ["C | Am | Dm7", "G7 | C | F#m7b5"]),
        (4, ["Dm7 G7 C"]),
    ]
    found = list(NextChords.questions(path, published))
    assert [(q.place, q.given) for q in found] == [
        ("1.3", "Dm7"), ("1.4", "G7"), ("1.5", "C"), ("1.6", "F#m7b5"), ("4.3", "C"),
    ]  # fmt: skip
    assert found[1].before == ("C", "Am", "Dm7") and found[1].text == "C major: C  Am  Dm7  → ?"
    assert len({q.item for q in found}) == 5


def test_a_question_is_what_predict_is_asked(tmp_path: Path, published: Published) -> None:
    """The same probabilities as `predict.chords` gives behind the same chords."""
    path = tmp_path / "tune.txt"
    path.write_text("C | Am | Dm7 | G7 | C | Am | Dm7 | G7")
    question = list(NextChords.questions(path, published))[-1]
    guess = NextChords.asked(question, published)
    answer = NextChords("C | Am | Dm7 | G7 | C | Am | Dm7", key="C", top=96).answer(published)
    assert guess.chances.sum() == pytest.approx(1) and guess.likeliest[0] == answer[0].chord
    assert guess.likeliest[1] == pytest.approx(answer[0].probability, rel=1e-6)
    assert guess.given == pytest.approx(dict(answer)["G7"], rel=1e-6)
    choices = NextChords.choices(question, guess, published)
    assert choices[0] == "G7" and len(choices) == 7 and not any(asking.alike("G7", c) for c in choices[1:])
    roots = [parse_jazz(c).root for c in choices[1:]]
    assert roots == sorted(roots), "their order does not tell their chances"


def test_labels_are_chords_of_one_word(published: Published) -> None:
    for typed, kept in (
        ("dm7", "Dm7"),
        (" F#m7b5 ", "F#m7b5"),
        ("C7/E", "C7/E"),
        ("Bb:maj7", "Bbmaj7"),
        ("C♯m", "C#m"),
    ):
        assert NextChords.checked_label(typed, published) == kept
    assert asking.alike(NextChords.checked_label("Cm(maj7)", published), "Cm")
    assert asking.alike("Dm7", "Dm9") and not asking.alike("Dm7", "D7") and asking.alike("Db7", "C#7")
    for typed in ("", "hello", "C" * 300, "/", "N.C."):
        with pytest.raises(ConfigError, match="is no chord"):
            NextChords.checked_label(typed, published)


def test_a_question_is_heard_with_the_label_behind_it(tmp_path: Path, published: Published) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(midi_of([parse_jazz(n) for n in ("C", "Am", "F", "G7", "C")], quarters=4))
    questions = list(NextChords.questions(path, published))
    assert [q.given for q in questions] == ["F", "G7", "C"]
    plain, more = (read_piece(NextChords.heard(questions[1], label) or b"").tracks[0].notes for label in ("", "E7"))
    assert len(np.unique(more["start"])) == len(np.unique(plain["start"])) + 1
    assert set(more[more["start"] == more["start"].max()]["pitch"] % 12) == {4, 8, 11, 2}


def test_a_chart_that_cannot_be_read_says_where(tmp_path: Path, published: Published) -> None:
    """By its line and bar, and not by the option of another task; the other songs of the file are asked about."""
    path = tmp_path / "tunes.txt"
    path.write_text(f"{TWO}\nC | Am\nF | Xyz G\n\n% | C | F\n\nC | F | vi\n\n|: C | F :|\n")
    asked: list[str] = []
    with pytest.raises(DataError) as error:
        for question in NextChords.questions(path, published):
            asked.append(question.place)
    why = str(error.value)
    assert why.startswith("line 7, bar 2, chord 1: ") and "Xyz" in why and "predict" not in why
    assert "; the song of line 9 begins with '%', and there is nothing before it" in why
    assert "; line 11 mixes chord names" in why and why.endswith("; and 1 more song")
    assert asked == ["1.3", "1.4", "1.5", "1.6", "4.3"]
    asker, refused = Asker(NextChords, published), list[str]()
    items = list(material(asker, tmp_path, refused.append, set()))
    assert [item.source for item in items] == [f"tunes.txt:{place}" for place in asked] and len(refused) == 1
    path = tmp_path / "queue.csv"
    path.write_bytes(queue_rows(items))
    assert [i.source for i in queue_items(path, tmp_path, asker, refused.append)] == [i.source for i in items]
    assert len(refused) == 1


@pytest.mark.slow
def test_from_charts_to_labels_in_the_store(job, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmidi_lab.tasks.asking.models_root", lambda *_: release_root())
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "a.txt").write_text("C | Am | Dm7 | G7 | C | Gb7 | C")
    (tmp_path / "charts" / "b.txt").write_text("what is this")
    job("task=queue", "model=harmony", f"data.root={tmp_path / 'charts'}", "queue.by=surprise")
    said = capsys.readouterr().out
    assert "5 to ask about, 1 left out" in said and "b.txt" in said
    assert "fill in `label` (such as Gb7, " in said, "its own chord and others of the model"
    rows = list(csv.DictReader((tmp_path / "queue.csv").open()))
    assert rows[0]["source"] == "a.txt:1.6", "the chord that the model expects least"
    rows[0] |= {"label": "F", "rater": "ann"}
    rows[1] |= {"label": "so what", "rater": "ann"}
    with (tmp_path / "queue.csv").open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match="1 row refused, each with its reason in"):
        job("task=label", "model=harmony", f"label.file={tmp_path / 'queue.csv'}")
    assert "2 rows whose material was not found; no training can use" in capsys.readouterr().out
    [lost] = Store(tmp_path / "outputs" / "feedback.db").events("harmony")
    assert lost.input is None
    found = ("task=label", "model=harmony", f"label.file={tmp_path / 'queue.csv'}", f"data.root={tmp_path / 'charts'}")
    with pytest.raises(DataError, match="1 row refused"):
        job(*found)
    assert f"refused: {tmp_path / 'queue.csv'}:3: label 'so what' is no chord" in capsys.readouterr().out
    [event] = Store(tmp_path / "outputs" / "feedback.db").events("harmony")
    assert event.label == "F" and event.item == rows[0]["item"]
    published = load_published(release_root() or Path(), "harmony")
    assert published is not None and event.artefact == published.entry["exports"]["onnx_sha256"]
    asked = {q.place: q for q in NextChords.questions(tmp_path / "charts" / "a.txt", published)}
    assert event.input == pytest.approx(asked["1.6"].vector.tolist()), "a label can be learnt from"
    with pytest.raises(UserError, match="needs material with labels of its own"):
        (tmp_path / "texts").mkdir()
        (tmp_path / "texts" / "a.txt").write_text("I am sad")
        job("task=queue", "model=intent", f"data.root={tmp_path / 'texts'}", "queue.by=surprise")
