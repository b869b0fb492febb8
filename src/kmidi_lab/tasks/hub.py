"""task=hub: pushes a models folder to the Hugging Face Hub, or pulls one from it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, UserError
from kmidi_lab.wording import many


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    options, root = cfg.hub, Path(cfg.models_root)
    if options.push and options.pull:
        raise ConfigError("hub.push and hub.pull exclude each other; leave one out")
    if not options.push and not options.pull:
        raise ConfigError("task=hub sends or fetches a models folder; type hub.push=user/name or hub.pull=user/name")
    for key, only in (("revision", "pull"), ("public", "push")):
        if options[key] and not options[only]:
            raise ConfigError(f"hub.{key} belongs to hub.{only}; leave it out")
    if importlib.util.find_spec("huggingface_hub") is None:
        raise UserError("task=hub needs huggingface_hub; type pip install 'kmidi_lab[hub]'")
    from kmidi_lab.hub.client import Repository
    from kmidi_lab.hub.pull import pull
    from kmidi_lab.hub.push import push

    if options.push:
        sent = push(Repository(options.push), root, options.public)
        seen = "private" if sent.private else "public"
        size = f"{many(sent.models, 'model')}, {many(sent.files, 'file')}, {sent.bytes / 1e6:.1f} MB"
        print(f"{root} → {options.push} ({seen}) at {sent.commit[:12]} | {size}")
    else:
        came = pull(Repository(options.pull), options.revision, root)
        size = f"{many(len(came.new), 'model')} published, {len(came.same)} as before, {many(came.files, 'file')}, {came.bytes / 1e6:.1f} MB"
        print(f"{options.pull} at {came.commit[:12]} → {root} | {size}")
