"""task=predict: asks a published model what `predict` in its config says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.adapters import adapter_folder, with_adapter
from kmidi_lab.inference.published import example_root, load_published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.streams import remark, say
from kmidi_lab.targets import build
from kmidi_lab.tasks.roots import models_root, released_instead


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    asked: dict[str, Any] = OmegaConf.to_container(cfg.predict, resolve=True)  # type: ignore[assignment]
    sound, adapter = bool(asked.pop("sound")), asked.pop("adapter")  # of every model, so no model's own
    if "_target_" not in asked:
        raise ConfigError(f"model={cfg.model.name} can't be asked: its config has no predict; choose another model=…")
    request = build(asked, Request, cfg.trusted)
    name, root = cfg.model.name, models_root(cfg, cfg.model.name)
    session = Session(name, context["folder"], Path(cfg.paths.cache_dir), cfg.seed, say, sound)
    published = load_published(root, name)
    if adapter:
        if published is None:
            raise ConfigError(f"predict.adapter={adapter}: no trained {name} model in {root} that it could belong to")
        published = with_adapter(published, adapter_folder(str(adapter), name, Path(cfg.paths.output_root)))
    if published is not None:
        warnings = request.warnings(published)
        instead = released_instead(root, name) if warnings else ""
        for line in (*warnings, *([f"{instead[0].upper()}{instead[1:]}."] if instead else [])):
            remark(line)
    elif request.without_model is None:
        raise ConfigError(f"no trained {name} model in {root}; train one, or type {example_root()}")
    else:
        remark(f"No trained {name} model in {root}; using {request.without_model} instead.")
    request.show(request.run(published, session), session)
