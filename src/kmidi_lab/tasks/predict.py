"""task=predict: asks a published model what `predict` in its config says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.listening import say
from kmidi_lab.inference.published import load_published
from kmidi_lab.inference.request import Request, Session
from kmidi_lab.targets import build


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    request = build(cfg.predict, Request, cfg.trusted)
    name, root = cfg.model.name, Path(cfg.models_root)
    session = Session(name, context["folder"], Path(cfg.paths.cache_dir), cfg.seed, say)
    published = load_published(root, name)
    if published is not None:
        for warning in published.warnings():
            say(warning)
    elif request.without_model is None:
        raise ConfigError(f"no trained {name} model in {root}; train one, or type models_root=outputs/release")
    else:
        say(f"No trained {name} model in {root}: this is {request.without_model}.")
    request.show(request.run(published, session), session)
