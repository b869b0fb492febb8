"""Where the config folder is; apart from `config`, so that `--help` need not import Hydra."""

from __future__ import annotations

from pathlib import Path

from kmidi_lab.errors import ConfigError


def conf_dir() -> Path:
    """`conf/` of the checkout, or the copy inside an installed wheel."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "conf", package.parents[1] / "conf"):
        if (candidate / "config.yaml").is_file():
            return candidate
    raise ConfigError(f"the config folder is missing from {package}; install kmidi_lab again")
