"""task=adapt: a small layer of a user's own, learnt from own feedback, as files beside the release, which stays as it
is.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import orjson
from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, DataError, NotBetterError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.rtneural.runner import runner_from_env
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.feedback.use_ids import use_ids
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.adapters import FILE, FORMAT, base_hashes, named_folder
from kmidi_lab.nn.module import LabModule
from kmidi_lab.retraining.adapting import Adapter, cross_validated
from kmidi_lab.retraining.lessons import ALIKE, Array
from kmidi_lab.retraining.opening import TrainableRelease, events_of, lessons_of, opened
from kmidi_lab.retraining.sounds import SoundTraining
from kmidi_lab.streams import say
from kmidi_lab.tasks.roots import models_root

FEWEST = 10
"""Events, or ratings of songs, below which nothing is tried."""
_MINE = "mine"
_DIGITS = 12


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Keeps an adapter where cross-validation says that it helps; one of that name is replaced.

    Raises:
        ConfigError: no name or use id, or a model that can't learn so. DataError: too little feedback. NotBetterError:
            it does not help; what was there is as it was.
    """
    options, output_root = cfg.adapt, Path(cfg.paths.output_root)
    folder = named_folder(options.name, cfg.model.name, output_root)
    uses = _uses(options.use, output_root)
    events, _ = events_of(options.feedback, output_root)
    model = opened(cfg, models_root(cfg, cfg.model.name))
    if isinstance(model.training, SoundTraining):
        raise ConfigError(
            f"task=adapt model={cfg.model.name}: events hold no sound to adapt to; type task=retrain "
            f"model={cfg.model.name} retrain.recordings=FOLDER, which learns from the labelled recordings"
        )
    lessons = lessons_of(model, [event for event in events if uses is None or event.use in uses])
    say(f"{len(lessons)} of {len(events)} events can be learnt from{lessons.counted}")
    for why, count in lessons.left_out.items():
        say(f"  {count} left out: {why}")
    if lessons.alike:
        say(ALIKE)
    if lessons.judgements < FEWEST:
        raise DataError(f"{lessons.judgements} events can be learnt from; {FEWEST} are needed")
    tried = cross_validated(model.module, model.training, lessons, cfg.seed)
    said = f"cross-validated loss {tried.before.mean():.4g} as released, {tried.after.mean():.4g} adapted"
    if not tried.helps:
        raise NotBetterError(f"no adapter was kept: {said}, which may be chance; rate more suggestions")
    adapter = Adapter(model.module, model.training, cfg.seed)
    adapter.learn(lessons, lessons.weights, tried.steps)
    facts: dict[str, float] = {"events": len(lessons), "numbers": adapter.numbers, "steps": tried.steps}
    facts |= {"loss_released": float(tried.before.mean()), "loss_adapted": float(tried.after.mean())}
    keep(model, adapter.merged(), lessons.x, folder, facts, cfg.export.tolerance)
    say(f"{said}; {adapter.numbers} numbers, {tried.steps} steps")
    say(f"written: {folder}; type task=predict model={cfg.model.name} predict.adapter={options.name}")


def keep(
    model: TrainableRelease, module: LabModule, x: Array, folder: Path, facts: dict[str, Any], tolerance: float
) -> None:
    """Proves and writes the files of an adapted module: a folder that is named by their hash, then `adapter.json`.

    A kill leaves the adapter that was there, or the new one.

    Args:
        model: what it was made from.
        module: with the adapter in its layers.
        x: `[E, N]` real inputs to prove the files on.
        folder: of the adapter.
        facts: what `adapter.json` says beside the files.
        tolerance: largest error of a file against the network.

    Raises:
        ExportError: a file computes something else; nothing was written.
    """
    contract, network = module.contract, module.export_network().cpu().eval()
    files = {
        f"{contract.id}.onnx": export_onnx(network, contract),
        f"{contract.id}.json": export_rtneural(network, contract),
    }
    onnx, rtneural = files.values()
    parity = check_parity(network, contract, onnx, rtneural, x, tolerance, runner_from_env())
    if head := module.head():
        beside = {"version": 1, **module.head_layout(), **head}
        files[f"{contract.id}.head.json"] = orjson.dumps(beside, option=orjson.OPT_SERIALIZE_NUMPY)
    digest = hashlib.sha256(b"".join(files.values())).hexdigest()[:_DIGITS]
    for name, data in files.items():
        write_atomic(folder / digest / name, data)
    held = {
        "format": FORMAT,
        "model": contract.model,
        "base": base_hashes(model.published),
        "files": {f"{digest}/{name}": hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "parity": parity,
        **facts,
    }
    write_atomic(folder / FILE, orjson.dumps(held, option=orjson.OPT_INDENT_2))
    for old in folder.iterdir():
        if old.is_dir() and re.fullmatch(f"[0-9a-f]{{{_DIGITS}}}", old.name) and old.name != digest:
            shutil.rmtree(old, ignore_errors=True)


def _uses(wanted: str | None, root: Path) -> set[str] | None:
    if wanted is None:
        return None
    if wanted == _MINE:
        return {use for use, _ in use_ids(root)}
    if not re.fullmatch("[0-9a-f]{32}", wanted):
        raise ConfigError(f"adapt.use={wanted} must be 32 hex digits, as task=feedback lists them, or {_MINE}")
    return {wanted}
