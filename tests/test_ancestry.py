"""What a run takes over with the weights that it begins with or goes on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.run_fixture import run_record

from kmidi_lab import ancestry, run_file
from kmidi_lab.ancestry import Start
from kmidi_lab.errors import ConfigError
from kmidi_lab.resume import ResumePoint
from kmidi_lab.run_record import RunRecord

BEGAN = {"source": "a/best.ckpt", "sha256": "ab" * 32, "licence": "corpus: CC BY-NC 4.0", "heard_all": True}


def resumed(folder: Path, record: RunRecord | None, **kept: Any) -> ResumePoint:
    """The last checkpoint of a run folder."""
    (folder / "checkpoints").mkdir(parents=True)
    path = folder / "checkpoints" / "last.ckpt"
    whole = {"pytorch-lightning_version": "2.6.0", "epoch": 0, "state_dict": {"w": torch.ones(1)}, "callbacks": {}}
    torch.save(whole | kept, path)
    if record:
        run_file.write(record, folder)
    return ResumePoint(str(folder), path, 1, False, {})


def record(licence: str | None = "MIT", **more: Any) -> RunRecord:
    made = run_record()
    assert made.data
    made.config = {"data": {}}
    made.data.licence, made.data.more = licence, more
    return made


def test_what_goes_on_keeps_start_and_licence_of_the_run_before(tmp_path: Path) -> None:
    before = record("MIT; corpus: CC BY-NC 4.0", started_from={**BEGAN, "share_learnt": 0.5})
    point, now = resumed(tmp_path, before), record("MIT")
    ancestry.tell_resumed(now, point)
    assert now.data and now.data.began_with_all
    assert now.data.more["started_from"] == BEGAN
    assert now.data.licence == "MIT; corpus: CC BY-NC 4.0"


def test_what_goes_on_from_a_run_from_scratch_has_no_start(tmp_path: Path) -> None:
    now = record("MIT")
    ancestry.tell_resumed(now, resumed(tmp_path, record("MIT")))
    assert now.data and "started_from" not in now.data.more and now.data.licence == "MIT"


@pytest.mark.parametrize(("kept", "heard"), [({"heard_all": False}, False), ({"heard_all": True}, True), ({}, True)])
def test_a_checkpoint_alone_tells_itself_or_counts_as_heard(
    tmp_path: Path, kept: dict[str, Any], heard: bool, caplog: pytest.LogCaptureFixture
) -> None:
    point, now = resumed(tmp_path, None, **kept), record("MIT")
    assert ancestry.heard_all(point.path, kept, None) == heard
    assert ("counts as one that has heard all of its data" in caplog.text) == (not kept)
    ancestry.tell_resumed(now, point)
    assert now.data and now.data.began_with_all == heard
    assert now.data.licence == "MIT; the start weights' data: not recorded"


@pytest.mark.parametrize(
    ("before", "sha256", "train_on", "said"),
    [
        (record(started_from=BEGAN), "cd" * 32, "split", r"began with a/best\.ckpt \(SHA-256 abababab…\), not with b \(c"),
        (record(), "cd" * 32, "split", "began with no other weights; leave out model.init_from"),
        (record(started_from=BEGAN), "ab" * 32, "all", "that run has data.train_on=split; type the same"),
    ],
)  # fmt: skip
def test_another_start_or_part_than_that_of_the_run_before_is_refused(
    tmp_path: Path, before: RunRecord, sha256: str, train_on: str, said: str
) -> None:
    point = resumed(tmp_path, before)
    with pytest.raises(ConfigError, match=said) as caught:
        ancestry.check_resumed(point, Start("b", sha256, None), train_on)
    assert "\n" not in str(caught.value)
    ancestry.check_resumed(point, None, "split")


def test_the_start_of_the_run_before_may_be_typed_again(tmp_path: Path) -> None:
    ancestry.check_resumed(resumed(tmp_path, record(started_from=BEGAN)), Start("b", "ab" * 32, None), "split")
