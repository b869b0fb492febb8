"""What a user adds to Lightning's Trainer by config: arguments, callbacks and loggers.

Each is named by `_target_` or as Lightning does.
"""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf

from kmidi_lab.conf_dir import config_file
from kmidi_lab.errors import ConfigError, UserError, first_line, one_of
from kmidi_lab.loggers import CurvesLogger
from kmidi_lab.targets import build, find

_OURS = (
    "accelerator", "devices", "num_nodes", "precision", "max_epochs", "min_epochs", "accumulate_grad_batches",
    "gradient_clip_val", "limit_train_batches", "use_distributed_sampler", "enable_progress_bar", "default_root_dir",
    "logger", "callbacks", "plugins",
)  # fmt: skip
"""Arguments that other keys of the config set, or that a run's own files depend on."""
_PACKAGES = {"tensorboard": ("tensorboard", "tensorboardX"), "mlflow": ("mlflow", "mlflow_skinny")}
"""By the name of the file in conf/logger: one of these is needed."""


def trusted_here(cfg: DictConfig) -> list[str]:
    """Packages whose classes may stand here: Lightning's own, too."""
    return [*cfg.get("trusted", ()), "lightning"]


def arguments(cfg: DictConfig) -> dict[str, Any]:
    """Further arguments of the Trainer (`trainer.more`), such as its strategy or profiler.

    Raises:
        ConfigError: one that Lightning does not have or the lab sets itself, or a class that can't be made.
    """
    more: dict[str, Any] = OmegaConf.to_container(cfg.trainer.more, resolve=True)  # type: ignore[assignment]
    allowed = sorted(set(inspect.signature(L.Trainer).parameters) - set(_OURS))
    for name in more:
        if name in _OURS:
            raise ConfigError(f"+trainer.{name}: the lab sets it; --cfg job shows the keys for it")
        if name not in allowed:
            raise ConfigError(one_of("+trainer", name, allowed))
    return {name: _made(value, cfg) for name, value in more.items()}


def callbacks(cfg: DictConfig) -> list[L.Callback]:
    """Those of `callbacks`. Raises ConfigError: none of Lightning's kind, or one that can't be made."""
    return [build(node, L.Callback, trusted_here(cfg)) for node in cfg.callbacks.values() if node is not None]


def check_loggers(cfg: DictConfig) -> None:
    """Before any work. Raises ConfigError: a package that a logger needs is not installed, or a class is no logger."""
    for name, packages in _PACKAGES.items():
        if name in cfg.logger.more and not any(importlib.util.find_spec(package) for package in packages):
            raise ConfigError(f"logger={name} needs a package that is not installed; type pip install {packages[0]}")
    for node in cfg.logger.more.values():
        if (kind := _kind(node, cfg)) is not None:
            try:
                inspect.signature(kind).bind(
                    **{k: v for k, v in node.items() if k != "_target_"}, **_saved(kind, node, "")
                )
            except TypeError as error:
                raise ConfigError(f"{node._target_}: {first_line(error)}") from None


def logger_node(cfg: DictConfig, name: str) -> DictConfig:
    """The node of a logger that the lab itself relies on, from its file where the config has none."""
    node = cfg.logger.get("more", {}).get(name)
    return OmegaConf.load(config_file("logger", name)).more[name] if node is None else node


def curves(cfg: DictConfig, folder: Path) -> CurvesLogger:
    """The CSV of a run. Raises ConfigError: `logger.more.csv` names a class that writes others."""
    return build(logger_node(cfg, "csv"), CurvesLogger, trusted_here(cfg), save_dir=str(folder))


def loggers(cfg: DictConfig, folder: Path) -> list[Logger]:
    """Those of `logger.more` beside CSV and W&B; their files lie in the run's folder where their class takes a
    `save_dir`.

    Raises:
        ConfigError: none of Lightning's kind, or one that can't be made, as without its package.
    """
    made = []
    for name, node in cfg.logger.more.items():
        if name in ("csv", "wandb") or (kind := _kind(node, cfg)) is None:
            continue
        try:
            made.append(build(node, Logger, trusted_here(cfg), **_saved(kind, node, str(folder))))
        except ModuleNotFoundError as error:
            raise ConfigError(f"logger.more.{name}: {first_line(error)}; install the package that it names") from None
    return made


def _kind(node: Any, cfg: DictConfig) -> type[Logger] | None:
    """The class of a logger, None where it is switched off. Raises ConfigError: no class, or no logger."""
    named = node.get("_target_") if isinstance(node, DictConfig) else node
    return None if node is None else find(named, Logger, trusted_here(cfg))


def _saved(kind: type[Logger], node: DictConfig, folder: str) -> dict[str, str]:
    """Where a logger's files lie, for a class that can be told and is not."""
    takes = "save_dir" in inspect.signature(kind).parameters and "save_dir" not in node
    return {"save_dir": folder} if takes else {}


def trainer(cfg: DictConfig, **everything: Any) -> L.Trainer:
    """Lightning's Trainer, or the one that `trainer._target_` names.

    Raises:
        ConfigError: no class, none that is a Trainer, or arguments that it does not take together.
    """
    kind = find(cfg.trainer._target_, L.Trainer, trusted_here(cfg))
    try:
        return kind(**everything)
    except UserError:
        raise
    except Exception as error:  # of Lightning's and torch's own kinds, for a value that they don't take
        raise ConfigError(f"trainer: {first_line(error)}") from error


def _made(value: Any, cfg: DictConfig) -> Any:
    return build(value, object, trusted_here(cfg)) if isinstance(value, dict) and "_target_" in value else value
