"""`model.init_from`: the weights that a training starts from, of a released model, a run or a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from kmidi_lab import ancestry, resume
from kmidi_lab.ancestry import Start
from kmidi_lab.conf_dir import conf_dir
from kmidi_lab.contract_types import version_told
from kmidi_lab.data import ALL
from kmidi_lab.errors import ConfigError, LabError, RegistryError, reason
from kmidi_lab.export.read_back import read_back
from kmidi_lab.inference.published import example_root, has_registry, load_published
from kmidi_lab.nn.module import LabModule
from kmidi_lab.registry.files import read_bounded

KEY = "model.init_from"


def load(module: LabModule, source: str) -> Start:
    """Puts the weights of `source` into `module`: a models folder, a run folder, a .ckpt, or a model's file in a folder.

    The module speaks the version of the contract that the weights were trained on.

    Raises:
        ConfigError: no weights there, of another model or contract, of other sizes, or in a form that can't be trained.
    """
    path = Path(source)
    folder = path.parent if path.suffix in (".json", ".onnx") else path
    try:
        with torch.random.fork_rng(devices=[]):  # a training from the weights draws what it drew
            if folder.is_dir() and has_registry(folder):
                return _released(module, folder, path)
            return _checkpoint(module, path)
    except (ConfigError, RegistryError) as error:
        fitting = ", ".join(f"experiment={name}" for name in _fitting(module, folder))
        raise ConfigError(f"{KEY}={source}: {reason(error)}{f'; {fitting} fits' if fitting else ''}") from None


def _fitting(module: LabModule, folder: Path) -> Iterator[str]:
    """Experiments of the model whose network is of the published one's layers, where this one's is not."""
    if not (folder.is_dir() and has_registry(folder)):
        return
    try:
        published = load_published(folder, module.contract.model)
    except RegistryError:  # which is what is told
        return
    known, there = conf_dir(), published.entry.get("arch_hint") if published else None
    if published is None or there == module.architecture:
        return
    for experiment in sorted((known / "experiment").glob(f"{module.contract.model}_*.yaml")):
        try:
            other = type(module)(**_settings(known, module.contract.model, experiment))
            other.use_contract(published.contract.version)
        except (LabError, OSError, TypeError, ValueError, OmegaConfBaseException, YAMLError):
            continue
        if other.architecture == there:
            yield experiment.stem


def _settings(known: Path, model: str, experiment: Path) -> dict[str, Any]:
    """What an experiment makes the module of."""
    chain = [OmegaConf.load(experiment)]
    while below := [n for n in OmegaConf.select(chain[0], "defaults") or () if isinstance(n, str) and n != "_self_"]:
        chain.insert(0, OmegaConf.load(known / "experiment" / f"{below[0]}.yaml"))
    layers = [OmegaConf.load(known / "model" / f"{model}.yaml"), *chain]
    nodes = [node for layer in layers if (node := OmegaConf.select(layer, "model.module")) is not None]
    plain = OmegaConf.to_container(OmegaConf.merge(*nodes))
    return {str(key): value for key, value in plain.items() if key != "_target_"}  # type: ignore[union-attr]


def _released(module: LabModule, folder: Path, path: Path) -> Start:
    contract = module.contract
    if path != folder and not path.name.startswith(f"{contract.id}."):
        raise ConfigError(f"of another model; {contract.model} starts from {contract.id} of such a folder")
    published = load_published(folder, contract.model)
    if published is None:
        raise ConfigError(f"{contract.id} is not published there; type {example_root(KEY)}")
    entry = published.entry
    data = read_bounded(folder / entry["exports"]["onnx_path"])
    module.use_contract(published.contract.version)
    weights, anew = read_back(module, data, published)
    heard_all = heard_all_of(entry)
    module.load_state_dict(weights)
    return Start(
        f"{contract.id} in {folder}", hashlib.sha256(data).hexdigest(), entry.get("license"), tuple(anew), heard_all
    )


def heard_all_of(entry: Mapping[str, Any]) -> bool:
    """Whether a published model has heard the test of its data: it was trained on all of them, or began with weights that were."""
    return (entry.get("data_settings") or {}).get("train_on") == ALL or bool(entry.get("heard_all"))


def _checkpoint(module: LabModule, path: Path) -> Start:
    checkpoint = path / "checkpoints" / resume.BEST if path.is_dir() else path
    kept = resume.read(checkpoint)
    if kept is None:
        raise ConfigError("no weights there, or damaged; give a run folder, a .ckpt, or a folder with registry.json")
    weights = module.upgraded(kept["state_dict"])
    _check_shapes(module, weights)
    module.use_contract(version_told(kept))
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise ConfigError(f"its weights can't be taken ({reason(error)}); give those it was trained with") from None
    record = ancestry.record_beside(checkpoint)
    data = record.data if record else None
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    heard_all = ancestry.heard_all(checkpoint, kept, data)
    return Start(str(checkpoint), digest, data.licence if data else None, heard_all=heard_all)


def _check_shapes(module: LabModule, weights: dict[str, torch.Tensor]) -> None:
    own = module.state_dict()
    # A buffer may be newer than the checkpoint; the module fills it when it loads.
    newer = {name for name, _ in module.named_buffers()} - {*weights}
    for name in sorted({*own, *weights} - newer):
        there, here = (list(s[name].shape) if name in s else "not there" for s in (weights, own))
        if there != here:
            why = "of another model or other sizes" if "not there" in (there, here) else "of other sizes"
            raise ConfigError(f"{why}: its {name} is {there}, this network's {here}; give those it was trained with")
