"""Sentences of the published layouts: what is read, which split it is in, and that no text is in two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support import feeling_files

from datamodules.intent import library, rules, sentence_encoder
from datamodules.intent.library import normalised
from datamodules.intent.module import FeelingTexts, sentences_of
from datamodules.intent.targets import affect_of, targets
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.intent.features import COLUMNS, LABELS, SUB_EMOTIONS, Sentence


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feelings")
    feeling_files.write(folder)
    return folder


@pytest.fixture(scope="module")
def data(root: Path) -> FeelingTexts:
    own = FeelingTexts(str(root), str(root / "cache"), batch_size=16, progress=False)
    own.setup("fit")
    return own


def test_each_layout_is_read(data: FeelingTexts) -> None:
    by_source = {name: [s for s in data.songs("all") if s.source == name] for name in library.SOURCES}
    first = by_source["goemotions"][0]
    assert (first.text, first.labels, first.fine) == ("train 0: joy about my song", ("happy",), ("joy",))
    assert by_source["emobank"][0].affect == pytest.approx((0.0, 0.1 / 1.5, -0.1 / 1.5))
    assert [s.side for s in by_source["isear"]] == [("isear/joy",), ("isear/shame",)]
    assert by_source["isear"][0].text == "When I passed."
    assert [s.side for s in by_source["xed"]] == [("xed/anger", "xed/anticipation"), ("xed/neutral",)]
    assert {s.labels for s in by_source["rules"]} >= {("happy",), ("neutral",)}
    reasons = data.describe()["problems"]
    assert reasons["no ratings"] == 1 and reasons["no event or no label"] == 1 and reasons["no label"] == 1


def test_published_parts_are_the_test_and_no_text_is_in_two_splits(data: FeelingTexts) -> None:
    texts = {split: {normalised(s.text) for s in data.songs(split)} for split in ("train", "val", "test")}
    assert not texts["train"] & texts["test"] and not texts["val"] & texts["test"] and not texts["train"] & texts["val"]
    assert {s.part for s in data.songs("test")} == {"dev"}
    assert data.describe()["problems"]["its text is in the test"] == 1
    assert {s.source for s in data.songs("train")} == set(library.SOURCES)


def test_without_real_sentences_those_by_rule_stand_in_split_by_word(tmp_path: Path) -> None:
    own = FeelingTexts(str(tmp_path), str(tmp_path / "cache"), progress=False)
    own.setup("fit")
    words = {split: {s.id.rpartition("/")[0] for s in own.songs(split)} for split in ("train", "val", "test")}
    assert all(words.values()) and not words["train"] & words["test"] and not words["train"] & words["val"]
    assert own.overlap(own.songs("test")) == 0
    assert "made by rule" in own.describe()["stand_in"] and own.describe()["absent"] == list(library.SOURCES[:4])


def test_sentences_by_rule_name_every_sub_emotion_and_turn_with_a_negation() -> None:
    sentences = rules.read().items
    assert {sub for s in sentences for sub in s.subs} == set(SUB_EMOTIONS)
    turned = [s for s in sentences if "/not" in s.id]
    assert turned and all(not s.subs and s.labels in (("sad",), ("neutral",), ()) for s in turned)
    tense = next(
        s for s in sentences if s.source == "rules" and "tense" in s.text and not s.labels and "/not" not in s.id
    )
    assert tense.affect[0] < 0 < tense.affect[1] and not targets([tense])[1].any()
    happy = [s for s in turned if s.id.startswith("rules/happy/joy/")]
    assert all(s.labels == ("sad",) and s.affect[0] < 0 for s in happy)


def test_targets_say_what_is_known() -> None:
    ekman, rated, plain = (
        Sentence("1", "goemotions", "train", "a", ("happy", "sad"), ("joy", "grief")),
        Sentence("2", "emobank", "train", "b", affect=(0.5, 0.0, -0.1)),
        Sentence("3", "xed", "train", "c", side=("xed/joy",)),
    )
    target, known = targets([ekman, rated, plain])
    assert target[0, : len(LABELS)].tolist() == [1, 1, 0, 0, 0, 0, 0] and known[0, : len(LABELS)].all()
    subs = slice(COLUMNS[0] + COLUMNS[1], sum(COLUMNS[:3]))
    assert {SUB_EMOTIONS[i] for i in np.flatnonzero(target[0, subs])} == {"happy/joy", "sad/grief"}
    assert known[0, subs].sum() == 17  # GoEmotions' labels say that many sub-emotions, and nothing of the others
    assert not known[1].any() and known[2].sum() == 9
    affect, counts = affect_of([ekman, rated, plain])
    assert counts.tolist() == [0, 1, 0] and affect[1].tolist() == pytest.approx([0.5, 0, -0.1])


def test_batches_hold_the_rows_of_their_sentences(data: FeelingTexts) -> None:
    data.train_dataloader()
    assert data._train is not None
    store, _ = data._train
    index = torch.tensor([5, 0, 9, 3, 7])
    whole = data._gather(index, torch.Generator().manual_seed(0))
    for batch, part in zip(sentences_of(whole, 2), index.split(2), strict=True):
        ends = [*batch.starts.tolist()[1:], len(batch.at)]
        for sentence, begin, end in zip(part.tolist(), batch.starts.tolist(), ends, strict=True):
            stop = int(store.ends[sentence])
            own = store.at[stop - int(store.lengths[sentence]) : stop]
            assert batch.at[begin:end].tolist() == own.tolist()
    assert 0 < whole.weight.mean() < 1


def test_what_is_asked_for_and_cannot_be_had_is_said_in_one_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_encoder.importlib.util, "find_spec", lambda name: None)
    own = FeelingTexts(str(root), str(root / "cache"), teacher=True, progress=False)
    own.setup("fit")
    with pytest.raises(DataError, match=r"kmidi_lab\[teacher\], or give data.teacher=false"):
        own.train_dataloader()
    with pytest.raises(ConfigError, match="feelings"):
        FeelingTexts(str(root), str(root / "cache"), sources=["feelings"])
    alone = FeelingTexts(str(root / "nowhere"), str(root / "cache"), sources=["goemotions"], progress=False)
    with pytest.raises(DataError, match="Set DATA_ROOT"):
        alone.setup("fit")
