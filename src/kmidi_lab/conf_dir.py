"""The config folders and what they list; apart from `config`, so that `--help` need not import Hydra or YAML."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from kmidi_lab.errors import ConfigError, one_of

MAIN = "config"
"""The lab's main config."""
_outside: list[Path] = []
_main: list[str] = []


def conf_dir() -> Path:
    """`conf/` of the checkout, or the copy inside an installed wheel."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "conf", package.parents[1] / "conf"):
        if (candidate / "config.yaml").is_file():
            return candidate
    raise ConfigError(f"the config folder is missing from {package}; install kmidi_lab again")


def conf_dirs() -> tuple[Path, ...]:
    """The lab's folder, then the one that `--config-dir` names, where it does."""
    return conf_dir(), *_outside


def look_also_in(folder: str | None, name: str | None = None) -> None:
    """Makes the folder of `--config-dir` the one outside the lab, and `--config-name` the main config; None is the lab's.

    Raises:
        ConfigError: no such folder, or no such file in it.
    """
    _outside[:] = [] if folder is None else [outside(folder, "--config-dir")]
    _main[:] = []
    if name is None or name.removesuffix(".yaml") == MAIN:
        return
    names = sorted(path.stem for place in _outside for path in place.glob("*.yaml"))
    if not names:
        raise ConfigError(
            f"--config-name {name}: the lab has one main config, {MAIN}; yours lies in a folder of your own, so type "
            "--config-dir DIR, too"
        )
    if name.removesuffix(".yaml") not in names:
        raise ConfigError(one_of("--config-name", name, names))
    _main[:] = [name.removesuffix(".yaml")]


def main_config() -> str:
    """The name of the config that all begins with."""
    return _main[0] if _main else MAIN


def main_config_dir() -> Path:
    """The folder that it lies in."""
    return _outside[0] if _main else conf_dir()


def outside(folder: str | Path, what: str) -> Path:
    """A config folder outside the lab, which `what` names. Raises ConfigError: there is none."""
    if not Path(folder).is_dir():
        raise ConfigError(f"{what} {folder}: not a folder; name one that holds model/ or data/")
    return Path(folder).resolve()


def options(group: str) -> list[str]:
    """The choices of a config group."""
    return sorted({p.stem for folder in conf_dirs() for p in (folder / group).glob("*.yaml")})


def config_file(group: str, choice: str) -> Path:
    """The file of a choice that there is; where several folders have it, the lab's."""
    return next(path for folder in conf_dirs() if (path := folder / group / f"{choice}.yaml").is_file())


def has_settings(task: str) -> bool:
    """Whether there is a task of that name, and it has a block of settings of its name."""
    return task in options("task") and f"\n{task}:" in config_file("task", task).read_text(encoding="utf-8")


def is_setting(task: str, name: str) -> bool:
    """Whether the block of a task's settings has one of that name."""
    return has_settings(task) and f"\n  {name}:" in config_file("task", task).read_text(encoding="utf-8")


@cache
def models(folders: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    """What `model/<m>.yaml` says, by m; where several folders have it, the first of them counts."""
    from kmidi_lab.own_yaml import own_yaml

    paths = [path for folder in reversed(folders) for path in sorted((folder / "model").glob("*.yaml"))]
    return {path.stem: own_yaml(path) for path in paths}
