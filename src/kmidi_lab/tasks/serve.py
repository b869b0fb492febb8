"""task=serve: a page on this machine where one composes, hears and rates songs and asks the models. Needs the extra
`demo`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError
from kmidi_lab.files import check_writable
from kmidi_lab.serving.server import check_free, check_packages, listen
from kmidi_lab.streams import say
from kmidi_lab.tasks.roots import models_root, spare_root

_MOST_PORT, _MOST_MB = 65535, 200


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Serves until Ctrl-C.

    Raises:
        UserError: the packages are not installed. ConfigError: a port or limit out of range, or the address is taken.
    """
    check_packages("serve")
    host, port = str(cfg.serve.host), int(cfg.serve.port)
    if not 1 <= port <= _MOST_PORT:
        raise ConfigError(f"serve.port={port} must be 1 to {_MOST_PORT}")
    if not 0 < cfg.serve.upload_mb <= _MOST_MB:
        raise ConfigError(f"serve.upload_mb={cfg.serve.upload_mb} must be above 0 and at most {_MOST_MB}")
    check_free("serve", host, port)
    folder = Path(cfg.paths.output_root)
    check_writable(folder)
    from kmidi_lab.serving.app import make_app
    from kmidi_lab.serving.guards import Hosts, bracketed
    from kmidi_lab.serving.studio import Studio

    studio = Studio(models_root(cfg), folder, Path(cfg.paths.cache_dir), spare_root(cfg))
    app = make_app(studio, Hosts(host, port), float(cfg.serve.upload_mb))
    say(f"http://{bracketed(host)}:{port} - Ctrl-C ends it; ratings are kept in {folder / 'feedback.db'}")
    if host not in ("127.0.0.1", "localhost", "::1"):
        say(f"{host} can be reached from other machines by this machine's address, and there is no password")
    listen(app, "serve", host, port)
