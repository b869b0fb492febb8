"""Whether a study that goes on is the one that it was: losses of other settings, or of other ranges, can't be compared."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from kmidi_lab.errors import ConfigError
from kmidi_lab.sweeps import space, state

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)
_SETTINGS, _RANGES = "settings", "ranges"
_OF_A_MACHINE = ("paths", "data.root", "data.workers", "hardware", "build", "export", "predict", "callbacks")
"""What machines that share a study may have otherwise, or what its losses don't depend on."""


def check_same(study: optuna.Study, cfg: DictConfig, dimensions: Sequence[space.Dimension], where: str) -> None:
    """Keeps the settings of a new study, and compares those of one that goes on.

    Args:
        study: opened.
        cfg: the config without what is searched.
        dimensions: what is searched.
        where: the URL of the database, for the message.

    Raises:
        ConfigError: the study was begun with another model, other settings, or other ranges.
    """
    ranges = {d.key: _text(d) for d in dimensions}
    settings = _settings(cfg, ranges)
    begun = study.user_attrs
    if _SETTINGS not in begun:
        if study.trials:
            log.warning(
                "study %s was begun by an earlier kmidi_lab, which kept no settings; whether its %d trials were run with "
                "today's is not known", study.study_name, len(study.trials),
            )  # fmt: skip
        study.set_user_attr(_RANGES, ranges)
        study.set_user_attr(_SETTINGS, settings)
        return
    other = f"{where} holds a study {study.study_name} that was begun with"
    remedy = f"set it as it was, or type sweep.study={study.study_name}2 to begin another"
    # The model first: with another one, everything else differs, too.
    for key in sorted({*begun[_SETTINGS], *settings}, key=lambda key: (key != "model.name", key)):
        if begun[_SETTINGS].get(key) != settings.get(key) and key not in {*begun[_RANGES], *ranges}:
            raise ConfigError(f"{other} {key}={begun[_SETTINGS].get(key)}, which is {settings.get(key)} now; {remedy}")
    for key in sorted({*begun[_RANGES], *ranges}):
        before, now = (own.get(key, "no range") for own in (begun[_RANGES], ranges))
        if before != now:
            raise ConfigError(f"{other} {before} for {key}, which has {now} now; {remedy}")


def _settings(cfg: DictConfig, searched: Iterable[str]) -> dict[str, Any]:
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    plain: dict[str, Any] = OmegaConf.to_container(own, resolve=True)  # type: ignore[assignment]
    return state.compared(plain, (*_OF_A_MACHINE, *searched))


def _text(dimension: space.Dimension) -> str:
    if isinstance(dimension, space.Choice):
        return f"choice({','.join(dimension.values)})"
    scale = "log " if dimension.log else ""
    return f"{scale}{'whole numbers ' if dimension.whole else ''}{dimension.low:g} to {dimension.high:g}"
