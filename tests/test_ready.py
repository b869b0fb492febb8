"""Data that are read before jobs are forked off: one data module, for jobs that have the same data, handed out once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from datamodules.harmony.module import ChordSongs
from kmidi_lab import ready


@pytest.fixture(autouse=True)
def nothing_ready() -> Iterator[None]:
    yield
    ready.key = ready._module = None


def config(folder: Path, **data: Any) -> DictConfig:
    own = {
        "_target_": "datamodules.harmony.module.ChordSongs", "root": str(folder), "cache_dir": str(folder),
        "sources": ["embedded"], "batch_size": 4,
    }  # fmt: skip
    return OmegaConf.create({"data": own | data, "trusted": [], "trainer": {"progress": False}})


@pytest.mark.slow
def test_what_was_read_is_handed_out_once_and_only_for_the_same_data(tmp_path: Path) -> None:
    cfg = config(tmp_path)
    ready.read(cfg)
    kept = ready._module
    assert isinstance(kept, ChordSongs) and kept._encoded.keys() == {"train", "val"}
    assert ready.data_module(config(tmp_path, split_seed=1), 4) is not kept
    assert ready.data_module(cfg, 8) is not kept  # what this machine allows
    assert ready.data_module(cfg, 4) is kept
    assert ready.data_module(cfg, 4) is not kept  # the next job of the same process


@pytest.mark.slow
def test_other_data_take_the_place_of_what_was_ready(tmp_path: Path) -> None:
    ready.read(config(tmp_path))
    first = ready._module
    ready.read(config(tmp_path))
    assert ready._module is first
    ready.read(config(tmp_path, split_seed=1))
    assert ready._module is not first
    assert ready.data_module(config(tmp_path), 4) is not first
