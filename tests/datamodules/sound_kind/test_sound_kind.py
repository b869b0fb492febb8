"""How the head of kinds is fitted: nobody is in two splits, the limits keep the false alarms, the same data give the
same.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from datamodules.sound_kind import __main__, by_rule, recorded
from datamodules.sound_kind.figures import Judged
from datamodules.sound_kind.fitting import FALSE_ALARMS, fit, with_limits
from datamodules.sound_kind.sounds import Amounts, Item, Sound, Source, drawn, trimmed
from datamodules.sound_kind.windows import CLEAN, LENGTHS_S, Table, table_of
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.kind import KINDS, STATISTICS
from kmidi_lab.audio.mel import RATE


def items(groups: int, each: int) -> list[Item]:
    return [Item(f"voice {g}", f"{g}-{i}", lambda: np.zeros(0, np.float32)) for g in range(groups) for i in range(each)]


def test_a_group_is_in_one_split_and_a_collection_of_the_test_in_no_other() -> None:
    source = Source("speech", "x", "y")
    places = defaultdict(set)
    for sound in drawn(source, items(60, 3), Amounts(1000, 1000, 1000)):
        places[sound.name.split("-")[0]].add(sound.split)
    assert len(places) == 60 and all(len(splits) == 1 for splits in places.values())
    assert set().union(*places.values()) == {"train", "val", "test"}
    held_back = list(drawn(source, items(60, 3), Amounts(0, 0, 25)))
    assert len(held_back) == 25 and {sound.split for sound in held_back} == {"test"}


def test_speech_and_song_of_one_person_are_in_one_split(shared: Path) -> None:
    places = defaultdict(set)
    for sound in recorded.sounds(shared):
        if sound.source.name.startswith("RAVDESS"):
            places[sound.name.rpartition("-")[2][:2]].add(sound.split)
    assert len(places) == 20 and all(len(splits) == 1 for splits in places.values())


def made_up() -> Table:
    """Kinds of which each has a statistic of its own; some of validation's speech is like music."""
    rng, rows = np.random.default_rng(0), []
    for place, kind in enumerate(KINDS):
        for split, count in (("train", 200), ("val", 100), ("test", 50)):
            for i in range(count):
                values, heard = np.zeros(STATISTICS), 1 if kind == "speech" and split == "val" and i < 12 else place
                values[:3] = rng.normal(0, 1, 3)
                values[heard] += 9
                condition = (CLEAN, *CHANGES)[i % 8] if split != "train" else CLEAN
                rows.append((place, kind, split, condition, values))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Table(*columns, [Source(kind, kind, "none") for kind in KINDS])  # type: ignore[arg-type]


def test_the_limits_keep_the_false_alarms_of_validation() -> None:
    table = made_up()
    head = with_limits(fit(table), table)
    again = with_limits(fit(table), table)
    np.testing.assert_array_equal(head.weight, again.weight)
    own = (table.splits == "val") & (table.kinds == 0)
    told = head.chances(table.values[own])
    assert 0.05 < (told.argmax(1) != 0).mean() < 0.2, "one in eight sounds like music"
    called = (told.argmax(1) != 0) & (told[:, 0] < head.limits["speech"])
    assert called.mean() <= FALSE_ALARMS and head.limits["speech"] < 0.4 and head.limits["music"] == 0.5


def test_the_figures_count_what_is_called_what() -> None:
    table = made_up()
    head = with_limits(fit(table), table)
    judged, test, validation = Judged(head, table), table.splits == "test", table.splits == "val"
    told = judged.told(test)
    assert told["called"] == {kind: {other: 50 * (kind == other) for other in KINDS} for kind in KINDS}
    assert set(told["auroc"].values()) == {1.0} and judged.by_source(test)["neither"] == [0, 0, 50]
    mixed = judged.told(validation)
    assert mixed["called"]["speech"] == {"speech": 88, "music": 12, "neither": 0}
    # 12 of 100 lie among the music: as often above one of it as below.
    assert mixed["auroc"]["speech against music"] == pytest.approx(0.88 + 0.12 / 2, abs=0.03)
    assert judged.alarms(validation)["music"] == 0.0 and judged.alarms(validation)["speech"] <= FALSE_ALARMS


def test_windows_have_every_length_and_condition_of_a_test_sound() -> None:
    rng = np.random.default_rng(0)
    wave = (rng.normal(0, 0.1, 3 * RATE) * np.sin(np.arange(3 * RATE) / 4000)).astype(np.float32)
    sounds = [Sound(Source("neither", "x", "y"), split, "1", lambda: wave) for split in ("train", "val", "test")]
    table = table_of([*sounds, Sound(Source("music", "empty", "y"), "test", "e", lambda: wave[:0])])
    assert [source.name for source in table.used] == ["x"] and np.isfinite(table.values).all(1).any()
    of = {split: list(table.conditions[table.splits == split]) for split in ("train", "val", "test")}
    assert len(of["train"]) == 4 and len(of["val"]) == 1 + len(LENGTHS_S) + 4
    assert set(of["test"]) >= {CLEAN, *(f"{seconds:g} s" for seconds in LENGTHS_S)}


@pytest.mark.parametrize("rule", [*by_rule.TRAINED, *by_rule.TESTED])
def test_a_sound_by_rule_is_finite_the_same_again_and_not_silent(rule: str) -> None:
    sound = next(s for s in by_rule.sounds() if s.source.name.endswith(f", {rule}"))
    wave = sound.samples()
    np.testing.assert_array_equal(wave, sound.samples())
    assert np.isfinite(wave).all() and np.abs(wave).max() == pytest.approx(1, abs=1e-3)
    assert len(trimmed(wave)) > RATE


def test_without_data_the_command_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_ROOT", "/nowhere")
    assert __main__.main() == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "DATA_ROOT=/nowhere: no ravdess/ there" in said.err
