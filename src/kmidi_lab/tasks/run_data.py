"""The data of a run that others made or that was made long ago, on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from kmidi_lab.contract_types import Contract
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError, DataError, one_line, reason
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
    # Of the command alone: a run from someone else chooses no folder.
    root = cfg.data.get("root") or cfg.paths.data_root
    data = build(
        {**_on_this_machine(config["data"], cfg), "root": root, "cache_dir": cfg.paths.cache_dir},
        DataModule,
        cfg.trusted,
    )
    data.use_contract(module.contract.version)
    if scoring:
        data.for_scoring()
    then = one_line(str(config["data"].get("root", "")), 120)
    same = (
        f"type data.root={then}, or where these lie now" if then and then != root else "set DATA_ROOT to the same data"
    )
    try:
        data.setup("test")
    except DataError as error:
        raise DataError(f"{folder}: {reason(error)}. What it was trained on is not in {root}; {same}") from None
    if record.data is None:
        record.data = DataDescription.of(data.describe())
    if data.describe()["version"] != record.data.version:
        raise ConfigError(f"{folder}: trained on other data than {root} holds; {same}")
    return data


def training_data(
    cfg: DictConfig, settings: Mapping[str, Any], version: object, contract: Contract
) -> tuple[DataModule, str]:
    """What a model was trained on, and the folder that it lies in: DATA_ROOT, else the `data.root` that is scored on.

    A model of one's own material was trained below a `data.root` that was typed.

    Args:
        cfg: of the command.
        settings: that the model was trained with, and which choose no folder.
        version: of the data that it was trained on.
        contract: of the model.

    Raises:
        DataError: DATA_ROOT holds no such data, and `data.root` not those that it was trained on.
    """
    usual, why = str(cfg.paths.data_root), ""
    other: DataModule | None = None
    for root in dict.fromkeys((usual, str(cfg.data.root))):
        node = OmegaConf.merge(cfg.data, settings, {"root": root})
        data: DataModule = build(node, DataModule, cfg.trusted, progress=cfg.trainer.progress)
        data.use_contract(contract.version)
        data.for_scoring()
        try:
            data.setup("fit")
        except DataError as error:
            why = why or reason(error)
            continue
        if data.describe()["version"] == version:
            return data, root
        if root == usual:  # fitted on other songs that are scored, baselines would have an advantage
            other = data
    if other is None:
        raise DataError(
            f"neither {usual} nor data.root={cfg.data.root} holds what trained the model, which its baselines are fitted "
            f"on: {why}"
        )
    return other, usual


def _on_this_machine(data: dict[str, Any], cfg: DictConfig) -> dict[str, Any]:
    """The same data here. Whoever made the run accepted a licence, fetched the data and chose where to; today's user
    has not.

    They are scored in recording conditions, too, where the run or `data.conditions` of the command says so.
    """
    data = {**data, "stream_dir": cfg.data.get("stream_dir", "")} if "stream_dir" in data else data
    data = {**data, "conditions": True} if cfg.data.get("conditions", False) else data
    fetch = False if isinstance(data.get("fetch"), bool) else None
    return {**data, "fetch": fetch} if "fetch" in data else data
