"""Where the config folder is; apart from `config`, so that `--help` need not import Hydra."""

from __future__ import annotations

from pathlib import Path

from kmidi_lab.errors import ConfigError

_outside: list[Path] = []


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


def look_also_in(folder: str | None) -> None:
    """Makes the folder of `--config-dir` the one outside the lab; None is none. Raises ConfigError."""
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(f"--config-dir {folder}: not a folder; name one that holds model/ or data/")
    _outside[:] = [] if folder is None else [Path(folder).resolve()]
