"""Who votes where `queue.by` compares several answers: the models of a committee, or one network under draws of its dropout."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig

from kmidi_lab.contract_types import version_told
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError, RegistryError, reason
from kmidi_lab.feedback.material import Asker, Item
from kmidi_lab.inference.dropping import dropped_units
from kmidi_lab.inference.published import Published, load_onnx, load_published
from kmidi_lab.inference.questions import SOUNDS
from kmidi_lab.registry.names import HISTORY
from kmidi_lab.registry.registry import published_entry
from kmidi_lab.registry.versions import kept_versions, read_version

_PASSES = 20


def check_options(cfg: DictConfig, by: str) -> None:
    """Raises ConfigError: an option that this way of ranking would not look at."""
    for key, way in (("members", "committee"), ("checkpoint", "bald")):
        if cfg.queue[key] and by != way:
            raise ConfigError(
                f"queue.{key} is for queue.by={way}, and queue.by is {by}; leave it out, or type queue.by={way}"
            )


def committee(cfg: DictConfig, of: Asker) -> list[Published]:
    """The model, and those of `queue.members` or, without any, the earlier versions that its registry keeps.

    Raises:
        ConfigError: it would be the model alone, or a folder has no such model.
    """
    name, root = cfg.model.name, of.root
    if cfg.queue.members:
        others = [load_published(Path(folder), name) for folder in cfg.queue.members]
        for folder, other in zip(cfg.queue.members, others, strict=True):
            if other is None:
                raise ConfigError(f"queue.members: {folder} has no {name} model; name models folders that hold one")
        return [of.published, *filter(None, others)]
    kept = list(_kept(root, name))
    if not kept:
        raise ConfigError(
            f"queue.by=committee: {root} keeps no earlier version of {name}; type queue.members=[FOLDER,…] with models folders"
        )
    return [of.published, *kept]


def _kept(root: Path, name: str) -> Iterator[Published]:
    entry = published_entry(root, CONTRACTS[name].id)
    for version in kept_versions(entry) if entry else ():
        try:
            before, _ = read_version(root, entry or {}, version)
            onnx = before["exports"]["onnx_path"]
            contract = CONTRACTS[name].at(version_told(before))
            yield load_onnx(root / HISTORY / before["id"] / version / onnx, contract, before)
        except (RegistryError, KeyError) as error:
            raise ConfigError(f"queue.by=committee: {version} can't be read: {reason(error)}") from None


def dropped_out(cfg: DictConfig, of: Asker) -> list[Published]:
    """The model under draws of its dropout: BALD (Houlsby et al., 2011) as Gal and Ghahramani (ICML 2016) sample it.

    Of one that hears frame by frame the units before its last layers are drawn, in its published file.

    Raises:
        ConfigError: no training packages, no weights that can be trained, or no dropout.
    """
    if of.request.asks_about == SOUNDS:
        if cfg.queue.checkpoint:
            raise ConfigError(
                f"queue.checkpoint: {cfg.model.name} hears frame by frame and is asked by its published file; leave it out"
            )
        path = of.root / of.published.entry["exports"]["onnx_path"]
        return list(dropped_units(of.published, path, _PASSES, cfg.seed))
    if not all(importlib.util.find_spec(package) for package in ("torch", "lightning")):
        raise ConfigError("queue.by=bald needs the training packages; type pip install 'kmidi_lab[train]'")
    import torch

    from kmidi_lab import start_weights
    from kmidi_lab.nn.module import LabModule
    from kmidi_lab.retraining.opening import take_sizes
    from kmidi_lab.retraining.training import FeedbackTraining
    from kmidi_lab.targets import build

    if cfg.model.feedback is not None and not cfg.queue.checkpoint:
        take_sizes(cfg, build(cfg.model.feedback, FeedbackTraining, cfg.trusted), of.published)
    module = build(cfg.model.module, LabModule, cfg.trusted)
    source = cfg.queue.checkpoint or str(of.root)
    try:
        start_weights.load(module, source)
    except ConfigError as error:
        raise ConfigError(f"queue.by=bald: {reason(error).replace(start_weights.KEY, 'queue.checkpoint')}") from None
    network = copy.deepcopy(module.network).eval()
    layers = [part for part in network.modules() if isinstance(part, torch.nn.Dropout) and part.p > 0]
    if not layers:
        raise ConfigError(
            f"queue.by=bald: {cfg.model.name}'s network has no dropout; choose margin, entropy or committee"
        )
    for layer in layers:
        layer.train()

    class Pass:
        """One draw a call."""

        def reset(self) -> None:
            pass

        def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                return np.asarray(network(torch.from_numpy(np.asarray(x, np.float32))[None])[0].numpy())

    torch.manual_seed(cfg.seed)
    return [replace(of.published, model=Pass())] * _PASSES  # type: ignore[arg-type]


def with_votes(items: list[Item], of: Asker, members: list[Published]) -> list[Item]:
    """The items with what each member makes of them."""
    return [
        replace(item, votes=np.stack([of.request.asked(item.question, member).chances for member in members]))
        for item in items
    ]
