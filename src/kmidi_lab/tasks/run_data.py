"""The data of a run that others made or that was made long ago, on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError
from kmidi_lab.nn.module import LabModule
from kmidi_lab.run_record import DataDescription, RunRecord
from kmidi_lab.targets import build


def data_of(
    folder: Path,
    config: Mapping[str, Any],
    module: LabModule,
    record: RunRecord,
    cfg: DictConfig,
    scoring: bool = False,
) -> DataModule:
    """What a run was trained on, ready to be scored; its record gets to know.

    Args:
        folder: of the run.
        config: its settings.
        module: with its weights.
        record: of the run.
        cfg: of the command: where data and cache are, which packages are trusted.
        scoring: nothing is learnt from them, so that changed copies are not made anew where the cache lacks them.

    Raises:
        ConfigError: other data are there now.
    """
    data = build(
        {**_on_this_machine(config["data"], cfg), "root": cfg.paths.data_root, "cache_dir": cfg.paths.cache_dir},
        DataModule,
        cfg.trusted,
    )
    data.use_contract(module.contract.version)
    if scoring:
        data.for_scoring()
    data.setup("test")
    if record.data is None:
        record.data = DataDescription.of(data.describe())
    if data.describe()["version"] != record.data.version:
        raise ConfigError(
            f"{folder}: trained on other data than {cfg.paths.data_root} holds; set DATA_ROOT to the same data"
        )
    return data


def _on_this_machine(data: dict[str, Any], cfg: DictConfig) -> dict[str, Any]:
    """The same data here. Whoever made the run accepted a licence, fetched the data and chose where to; today's user has not.

    They are scored in recording conditions, too, where the run or `data.conditions` of the command says so.
    """
    data = {**data, "stream_dir": cfg.data.get("stream_dir", "")} if "stream_dir" in data else data
    data = {**data, "conditions": True} if cfg.data.get("conditions", False) else data
    fetch = False if isinstance(data.get("fetch"), bool) else None
    return {**data, "fetch": fetch} if "fetch" in data else data
