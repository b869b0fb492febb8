"""What is asked about first, and what becomes of the answers."""

from __future__ import annotations

import csv
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.asking import batch, core_set, disagreement, entropy, far_and_unsure, information, margin
from kmidi_lab.feedback.labels import Labels, kappa
from kmidi_lab.feedback.material import Asker, Item, material, ranked
from kmidi_lab.feedback.queue import queue_items, queue_rows
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.models.intent.predict import FeelingOf


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture `job` starts no Hydra, which the choice of a models folder asks."""
    monkeypatch.setattr("kmidi_lab.tasks.asking.models_root", lambda *_: release_root())


CHANCES = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.9, 0.1, 0.0]])


def test_scores_are_highest_where_the_model_is_unsure() -> None:
    assert entropy(CHANCES) == pytest.approx([0, np.log(2), np.log(3), 0.3251], abs=1e-4)
    assert margin(CHANCES) == pytest.approx([-1, 0, 0, -0.8])
    assert np.argsort(entropy(CHANCES)).tolist() == [0, 3, 1, 2]


def test_a_committee_is_asked_about_what_it_disputes_and_not_about_what_all_find_hard() -> None:
    disputed, hard = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.5, 0.5], [0.5, 0.5]])
    scores = disagreement(np.stack([disputed, hard], axis=1))
    assert scores == pytest.approx([np.log(2), 0.0], abs=1e-6)


def test_a_core_set_is_spread_and_a_batch_holds_no_twins() -> None:
    line = np.array([[0.0], [0.1], [5.0], [10.0], [10.1]])
    assert core_set(line, np.array([[0.0]]), 2).tolist() == [4, 2]
    assert len(set(core_set(line, np.empty((0, 1)), 5).tolist())) == 5
    twins = np.repeat([[0.0], [9.0]], 5, axis=0)
    others = np.concatenate([twins, np.full((10, 1), 20.0)])
    assert set((batch(np.arange(20.0, 0.0, -1.0), others, 2) // 5).tolist()) == {0, 1}
    assert batch(np.array([3.0, 1.0]), twins[:2], 1).tolist() == [0]
    assert len(batch(np.zeros(0), np.zeros((0, 1)), 0)) == 0


def test_the_score_decides_in_a_small_folder_too_and_alone_where_no_diversity_is_wanted() -> None:
    """Were all of six items candidates, those furthest from each other would stand first, whatever their scores."""
    scores, places = np.array([0.0, 3.0, 5.0, 4.0, 2.0, 1.0]), np.array([0.0, 0.0, 2.0, 3.0, 4.0, 5.0])[:, None]
    assert batch(scores, places, 6).tolist() == [2, 3, 1, 4, 5, 0]
    assert batch(scores, places, 2).tolist() == [2, 1], "of the best three the two that are furthest apart"
    places_and_chances = ((0, 0.5), (0, 0.52), (9, 0.6), (5, 0.9))
    guesses = [Guess(np.array([p], np.float32), np.array([c, 1 - c]), ["a", "b"]) for p, c in places_and_chances]
    items = [Item(Question(f"{i:064x}"), str(i), guess) for i, guess in enumerate(guesses)]
    assert [item.source for item in ranked(items, "margin", 2, diverse=False)] == ["0", "1"]
    items += [Item(Question(f"{i:064x}"), str(i), guesses[3]) for i in range(4, 8)]
    assert [item.source for item in ranked(items, "margin", 2)] == ["0", "2"]


def _variance_by_hand(rows: np.ndarray, known: list[int]) -> float:
    """The mean over all rows of x' (30 I + sum of what is known)^-1 x, the inverse made anew."""
    inverse = np.linalg.inv(30 * np.eye(rows.shape[1]) + sum(np.outer(rows[i], rows[i]) for i in known))
    return float(np.mean([row @ inverse @ row for row in rows]))


def test_information_takes_what_most_lowers_the_variance_over_all_and_says_by_how_much() -> None:
    """Each step beside all others that could have been taken, with a variance that is worked out anew for each."""
    rng = np.random.default_rng(0)
    vectors, weights, known = rng.normal(size=(25, 4)), rng.uniform(0.1, 1.0, 25), [3, 7]
    rows = vectors * np.sqrt(weights / weights.mean())[:, None]
    places, lowered = information(weights, vectors, np.array(known), 6)
    for place, by in zip(places.tolist(), lowered, strict=True):
        before = _variance_by_hand(rows, known)
        gains = {i: before - _variance_by_hand(rows, [*known, i]) for i in range(25) if i not in known}
        assert place == max(gains, key=lambda i: gains[i])
        assert by == pytest.approx(gains[place])
        known.append(place)
    assert len(set(known)) == 8
    everything, _ = information(np.ones(3), vectors[:3], np.array([1]), 9)
    assert sorted(everything.tolist()) == [0, 2], "no more than there are, and none that is labelled"


def test_a_queue_by_information_holds_no_twins_and_counts_on_what_is_labelled() -> None:
    """Four texts on each of three axes; the model is as unsure of each."""
    axes = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    unsure = Guess(np.zeros(2, np.float32), np.array([0.5, 0.5]), ["a", "b"])
    items = [Item(Question(f"{i:064x}", vector=x), str(i), unsure) for i, x in enumerate(axes)]
    asked = ranked(items, "information", 3)
    assert sorted(int(item.source) // 4 for item in asked) == [0, 1, 2]
    assert [item.score for item in asked] == sorted((item.score for item in asked), reverse=True)
    labelled = np.repeat(np.eye(3)[[0, 2]], 5, axis=0)
    assert [int(item.source) // 4 for item in ranked(items, "information", 1, labelled=labelled)] == [1]
    sure = Guess(np.zeros(2, np.float32), np.array([1.0, 0.0]), ["a", "b"])
    known = [item if int(item.source) // 4 == 1 else Item(item.question, item.source, sure) for item in items]
    assert int(ranked(known, "information", 1)[0].source) // 4 == 1, "of what it is sure of there is nothing to learn"
    sounds = [
        Item(Question(f"{i:064x}"), str(i), Guess(x, np.array([0.5, 0.5]), ["a", "b"])) for i, x in enumerate(axes)
    ]
    assert sorted(int(item.source) // 4 for item in ranked(sounds, "information", 3, labelled=labelled)) == [0, 1, 2]


def test_far_asks_about_what_is_unlike_all_that_is_labelled_if_the_model_is_unsure_of_it() -> None:
    line = np.array([[0.0], [1.0], [4.0], [10.0], [11.0]])
    places, products = far_and_unsure(np.ones(5), line, np.array([0]), 2)
    assert (places.tolist(), products.tolist()) == ([4, 2], [11.0, 4.0])
    surer = far_and_unsure(np.array([1.0, 1.0, 1.0, 1.0, 0.5]), line, np.array([0]), 9)[0]
    assert surer.tolist()[:2] == [3, 2] and sorted(surer.tolist()) == [1, 2, 3, 4]
    assert far_and_unsure(np.ones(5), line, np.zeros(0, int), 1)[0].tolist() == [4], "5.8 from the mean, 0 is 5.2"


def test_kappa_is_cohens() -> None:
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([("y", "y")]) == 1.0


def _fill(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
def test_from_a_folder_of_texts_to_labels_in_the_store(job, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    lines = ["I am so happy today", "He never came home and I cry", "The bus leaves at nine", "What a disgusting lie"]
    (folder / "a.txt").write_text("\n".join([*lines, "", lines[0]]))
    (folder / "b.txt").write_bytes(b"\xff\xfe\x00")
    task = ("model=intent", f"data.root={folder}")
    release = release_root()
    assert release is not None
    shutil.copytree(release, tmp_path / "my models", ignore=shutil.ignore_patterns("golden"))
    job("task=queue", *task, f"models_root='{tmp_path}/my models'", "queue.count=2")
    few = capsys.readouterr().out
    assert "4 to ask about, 1 left out; the 2 that would teach most are taken (queue.count)" in few
    for line in few.splitlines():
        if "task=label" in line:  # what is printed works as it stands: it says which models were asked
            typed = shlex.split(line[line.index("task=label") :])
            assert f"models_root='{tmp_path}/my models'" in typed and f"label.file={tmp_path / 'queue.csv'}" in typed
    assert few.count("task=label") == 2
    lowered = "score (how much its label would tell of all the others), place"
    assert f"{lowered} and the model's answer; the highest score first" in few
    assert few.count("type python -m kmidi_lab task=label model=intent") == 1
    job("task=queue", *task)
    said = capsys.readouterr().out
    assert "4 to ask about, 1 left out" in said and "b.txt: no text in UTF-8" in said
    path = tmp_path / "queue.csv"
    rows = list(csv.DictReader(path.open()))
    assert sorted(row["source"] for row in rows) == [f"a.txt:{n}" for n in (1, 2, 3, 4)]
    assert not any(line in path.read_text() for line in lines)
    for row, label in zip(rows, ("Happy", "sad", "joyful!", ""), strict=True):
        row.update(label=label, rater="ann")
    seconds = [row | {"rater": "bob", "label": "sad"} for row in rows[:2]]
    _fill(path, rows + seconds)
    with pytest.raises(
        DataError, match=r"1 row refused, each with its reason in \S+refused.txt; the others are stored$"
    ):
        job("task=label", task[0], f"label.file={path}")
    said = capsys.readouterr().out
    assert "2 items in common, 1 alike, kappa 0.00" in said
    assert f"  refused: {path}:4: label: 'joyful!' is not allowed." in said
    events = list(Store(tmp_path / "outputs" / "feedback.db").events("intent"))
    assert sorted(e.label for e in events if e.label) == ["happy", "sad", "sad", "sad"]
    assert len({e.use for e in events}) == 2
    with pytest.raises(DataError, match="1 row "):
        job("task=label", task[0], f"label.file={path}")
    assert "0 new labels, 4 there before" in capsys.readouterr().out
    rows[0]["label"], rows[2]["label"] = "angry", ""
    _fill(path, rows)
    job("task=label", task[0], f"label.file={path}")
    rows[0]["label"] = "happy"
    _fill(path, rows)
    job("task=label", task[0], f"label.file={path}")
    again = [e.label for e in Store(tmp_path / "outputs" / "feedback.db").events("intent") if e.item == rows[0]["item"]]
    assert sorted(again) == ["happy", "sad"], "a rater's last label is the one that counts"
    capsys.readouterr()
    job("task=queue", *task)
    assert "2 to ask about" in capsys.readouterr().out


def test_a_queue_that_nobody_filled_in_is_one_line(refusal: Any, tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    _fill(path, [{"item": "a" * 64, "label": "", "rater": ""}])
    assert f"{path}: no row has a label; write one into the column `label`" in refusal(
        "task=label", "model=intent", f"label.file={path}"
    )


@pytest.mark.slow
def test_labels_without_the_place_of_their_material_are_taken_too(job, tmp_path: Path, capsys) -> None:
    path = tmp_path / "labels.csv"
    _fill(path, [{"item": f"{n:064x}", "label": "sad" if n < 2 else "", "rater": "ann"} for n in range(5)])
    job("task=label", "model=intent", f"label.file={path}")
    said = capsys.readouterr().out
    assert "2 new labels, 0 there before" in said and "  2 rows whose material was not found" in said


@pytest.mark.slow
def test_one_persons_labels_are_told_and_rows_that_are_all_refused_store_nothing(job, tmp_path: Path, capsys) -> None:
    path = tmp_path / "labels.csv"
    _fill(path, [{"item": f"{1:064x}", "label": "sad", "rater": ""}])
    job("task=label", "model=intent", f"label.file={path}")
    assert "  no row names a rater: all labels count as one person's, `me`" in capsys.readouterr().out
    _fill(path, [{"item": f"{1:064x}", "label": "joyful!", "rater": "ann"}])
    with pytest.raises(DataError, match=r"1 row refused, .*; nothing is stored$"):
        job("task=label", "model=intent", f"label.file={path}")
    assert "no row names" not in capsys.readouterr().out


@pytest.mark.parametrize(("option", "way"), [("members=[a]", "committee"), ("checkpoint=x", "bald")])
def test_an_option_of_another_way_to_rank_is_refused(refusal, option: str, way: str) -> None:
    said = refusal("task=queue", "model=intent", "queue.by=margin", f"queue.{option}")
    name = option.partition("=")[0]
    assert said == f"queue.{name} is for queue.by={way}, and queue.by is margin; leave it out, or type queue.by={way}"


def test_recordings_are_ranked_and_what_is_none_is_left_out(job, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    time = np.arange(16000) / 16000
    for name, frequency in (("low", 110.0), ("high", 880.0)):
        tone = sum(np.sin(2 * np.pi * frequency * k * time) / k for k in range(1, 8)) * np.exp(-3 * time)
        soundfile.write(folder / f"{name}.wav", 0.2 * tone, 16000)
    (folder / "broken.wav").write_bytes(b"RIFF")
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)
    job("task=queue", "model=instrument", f"data.root={folder}", "queue.by=entropy")
    told = capsys.readouterr().out
    assert "2 to ask about, 2 left out" in told and f"left out: {folder / 'broken.wav'}: not readable" in told
    assert {row["source"] for row in csv.DictReader((tmp_path / "queue.csv").open())} == {"low.wav", "high.wav"}


@pytest.mark.slow
def test_what_cannot_be_asked_is_one_line(job, tmp_path: Path) -> None:
    for words, line in (
        (("model=groove",), "has no labels to ask for"),
        (("model=intent", "queue.by=luck"), "queue.by: 'luck' is not allowed"),
        (("model=intent", "queue.count=0"), "queue.count=0 must be"),
    ):
        with pytest.raises(ConfigError, match=line):
            job("task=queue", *words)
    with pytest.raises(DataError, match="nothing to ask about"):
        job("task=queue", "model=intent", f"data.root={tmp_path}")
    with pytest.raises(ConfigError, match=r"label\.file="):
        job("task=label", "model=intent")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column item, label, rater "):
        job("task=label", "model=intent", f"label.file={tmp_path / 'x.csv'}")


def test_files_that_a_model_does_not_take_are_counted(job, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    for name in ("a.opus", "b.OPUS", "notes.md", ".hidden"):
        (folder / name).write_bytes(b"x")
    line = r"nothing to ask about; 3 other files \(\.opus, \.md\) there, of kinds that intent does not take; give a folder of \.txt"
    with pytest.raises(DataError, match=line):
        job("task=queue", "model=intent", f"data.root={folder}")
    (folder / "lines.txt").write_text("what a lovely day\n")
    job("task=queue", "model=intent", f"data.root={folder}")
    assert "left out: 3 other files (.opus, .md); intent takes .txt" in capsys.readouterr().out


def test_a_label_is_one_a_rater_and_item_and_can_be_taken_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "feedback.db")
    labels, items = Labels(store, "intent"), ("a" * 64, "b" * 64)
    ann, bob = labels.rater("Ann"), labels.rater("bob")
    assert labels.rater(" ") == labels.rater("me") and len({ann, bob, labels.rater("me")}) == 3
    for label, new in (("sad", True), ("sad", False), ("happy", True), ("sad", True)):
        assert labels.put(ann, items[0], label, 1_790_000_000) is new
    labels.put(bob, items[0], "sad", 1_790_000_000)
    labels.put(bob, items[1], "fear", 1_790_000_000)
    assert labels.take_back(bob, items[1]) and not labels.take_back(bob, items[1])
    for held in (labels, Labels(store, "intent")):
        assert held.of(ann) == held.of(bob) == {items[0]: "sad"} and held.items() == {items[0]}
        assert held.agreement() == [(*sorted((ann, bob)), [("sad", "sad")])]
    assert not Labels(store, "emotion").items()
    store.forget([ann])
    with pytest.raises(DataError, match="choose another name"):
        Labels(store, "intent").put(ann, items[0], "sad", 1_790_000_000)


def test_a_queue_asks_only_for_what_lies_in_its_folder_and_is_what_it_was(tmp_path: Path) -> None:
    root = release_root()
    assert root is not None
    published = load_published(root, "intent")
    assert published is not None
    asker, folder = Asker(FeelingOf, published), tmp_path / "texts"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("my diary\n")
    (folder / "a.txt").write_text("one day\nanother day\n")
    (folder / "12:30.txt").write_text("with a colon\n")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    refused: list[str] = []
    items = list(material(asker, folder, refused.append, set()))
    assert [i.source for i in items] == ["12:30.txt:1", "a.txt:1", "a.txt:2"]
    assert refused == [f"{folder / 'link.txt'}: it leads out of the folder"]
    secret = next(asker.request.questions(tmp_path / "secret.txt", published))
    wrong = [
        Item(secret, source, items[0].guess)
        for source in ("../secret.txt:1", str(tmp_path / "secret.txt"), "link.txt:1")
    ]
    wrong += [Item(secret, "a.txt:1", items[0].guess)]
    path = tmp_path / "queue.csv"
    for item, why in zip(wrong, ("leads out", "leads out", "leads out", "not what it was"), strict=True):
        path.write_bytes(queue_rows([*items, item, items[0]]))
        refused.clear()
        assert [i.source for i in queue_items(path, folder, asker, refused.append)] == [i.source for i in items]
        assert len(refused) == 1 and why in refused[0]
    path.write_bytes(queue_rows(items).replace(b"a.txt:1", b"b.txt:1").replace(b"a.txt:2", b"a\0.txt:2"))
    refused.clear()
    assert len(list(queue_items(path, folder, asker, refused.append))) == 1
    assert len(refused) == 2 and all("no such file" in line for line in refused)
