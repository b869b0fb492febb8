"""What `same_results.py` records: the artefacts of a model, a data set, a short training."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import numpy as np
import orjson
import torch
from omegaconf import OmegaConf

# All that is used of the lab; only these lines change when its files move.
import datamodules
import kmidi_lab
from datamodules.shared.module import LabData
from kmidi_lab.conf_dir import options as options
from kmidi_lab.config import check
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import LabError, UserError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.golden import golden_vectors
from kmidi_lab.export.rtneural.cpp_header import cpp_header
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import TorchModel
from kmidi_lab.run_file import read
from kmidi_lab.run_record import RunRecord
from kmidi_lab.targets import build
from kmidi_lab.typed_json import to_json

LAB = Path(kmidi_lab.__file__)
_SEED, _PROBES, _READ = 1, 256, 32
_SMALL = {"renderings": 1, "takes": 2, "augment.variants": 0}
"""Settings of data that take long to make, where they have them."""
_SHORT = "trainer.limit_train_batches=10"
"""With the 50 of the preset melody's student can miss the gate of parity, and there are no scores to compare."""
_SCORES = ("metrics", "baselines", "primary", "student_scores", "student", "training", "params", "arch", "analysis")
Record = dict[str, Any]


def symbolic() -> list[str]:
    """The models that hear no audio."""
    return [name for name in options("model") if not CONTRACTS[name].listens]


def artefacts(name: str) -> Record:
    """What `export_module` makes of an untrained model: see its order of steps there."""

    cfg = check([f"model={name}"], False)[0]
    L.seed_everything(_SEED, verbose=False)
    module = build(cfg.model.module, LabModule, ()).eval()
    contract, network = module.contract, module.export_network().cpu().eval()
    L.seed_everything(_SEED, verbose=False)
    plan = module.student_plan()
    deployed = plan.network.eval().deployed() if plan else network
    drawn = np.random.default_rng(_SEED).standard_normal((_PROBES, contract.input_size))
    probes = (0.5 * drawn).astype(np.float32)
    onnx, rtneural = export_onnx(network, contract), export_rtneural(deployed, contract)
    typical = probes[np.linspace(8, len(probes) - 1, 8).astype(int)]
    files = {
        f"{contract.id}.onnx": onnx,
        f"{contract.id}.json": rtneural,
        f"{contract.id}_model.h": cpp_header(rtneural, contract).encode(),
        f"golden/{contract.id}.json": golden_vectors(TorchModel(deployed), contract, typical, probes[:8]),
    }
    if plan:
        golden = golden_vectors(TorchModel(network), contract, typical, probes[:8])
        files[f"golden/{contract.id}.onnx.json"] = golden
    if head := module.head():
        content = {"version": 1, **module.head_layout(), **head}
        files[f"{contract.id}.head.json"] = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    readers = {
        "onnx": OnnxModel(onnx, f"{contract.id}.onnx"),
        "rtneural": RTNeuralModel.from_bytes(rtneural),
        "torch": TorchModel(network),
    }
    named = re.findall(rb"[\x20-\x7e]*(?:kmidi_lab|datamodules|site-packages|\.py)[\x20-\x7e]*", onnx)
    return {
        "files": {file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        "names_in_onnx": sorted({text.decode() for text in named}),
        "outputs": {reader: digest(np.stack([model(x) for x in probes[:_READ]])) for reader, model in readers.items()},
        "weights": digest(dict(module.state_dict())),
        "params": module.parameter_count,
        "arch": module.architecture,
    }


def data_set(name: str, settings: argparse.Namespace) -> Record | None:
    """Version, counts and first examples of a data set; None for audio without `--slow`."""

    def composed(*more: str) -> Any:
        return check([f"model={taker(name)}", f"data={name}", f"paths.cache_dir={settings.cache}", *more], False)[0]

    cfg = composed()
    contract = hydra.utils.get_class(cfg.data._target_).contract
    if contract.listens:
        if not settings.slow:
            return None
        cfg = composed(*(f"data.{s}={v}" for s, v in _SMALL.items() if OmegaConf.select(cfg.data, s) is not None))
    L.seed_everything(_SEED, verbose=False)
    try:
        data = build(cfg.data, LabData, (), progress=False)
        data.prepare_data()
        data.setup("fit")
        if contract.reads:  # texts become vectors by the table of a model
            data.use_table(build(cfg.model.module, LabModule, ()).table())
    except (LabError, UserError) as error:
        return {"not_there": without_paths(str(error), settings)}
    description = data.describe()
    examples: dict[str, Callable[[], Any]] = {
        "probes": data.probes,
        "train": lambda: next(iter(data.train_dataloader())),
        "val": lambda: data.whole("val")[0],
        "test": lambda: data.whole("test")[0],
    }
    found = {}
    for part, make in examples.items():
        L.seed_everything(_SEED, verbose=False)
        found[part] = digest(make())
    return {
        "version": description["version"],
        "split": description["split"],
        "description": digest(without_paths(json.dumps(description, sort_keys=True), settings)),
        "places": digest(data.library.splits),
        "examples": found,
    }


def training(name: str, settings: argparse.Namespace) -> Record:
    """Scores, weights and published files of a smoke run through the command line, or the error that it ends in."""
    paths = (str(Path(package.__file__).resolve().parents[1]) for package in (kmidi_lab, datamodules))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "kmidi_lab", f"model={name}", "preset=smoke", "hardware=cpu", _SHORT),
            *("trainer.progress=false", f"paths.output_root={folder}", f"paths.cache_dir={settings.cache}"),
            *(f"models_root={folder}/models", f"hydra.run.dir={folder}/run"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
        run, models = Path(folder, "run"), Path(folder, "models")
        if not (run / "run.json").is_file():
            raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        record = as_first_written(read(run / "run.json"))
        made = {
            path.relative_to(models).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(models.rglob("*"))
            if path.suffix in (".json", ".onnx", ".h") and "registry" not in path.name
        }
        weights = {path.name: weights_of(path) for path in sorted((run / "checkpoints").glob("*.ckpt"))}
    return {
        "status": record["status"],
        "error": record["error"] and without_paths(record["error"].replace(folder, "RUN"), settings),
        "files": made,
        "weights": weights,
        "data": record.get("data", {}).get("version"),
        **{key: record.get(key) for key in _SCORES},
    }


def as_first_written(run: RunRecord) -> Record:
    """The part of a record that is compared, under the keys of run.json's schema 1."""
    plain = to_json(run)
    student, scores, analysis = plain["student"], plain["scores"] or {}, plain["analysis"]
    primaries = [part and part["primary"] for part in (scores, student)]
    for primary in filter(None, primaries):
        if primary["not_comparable"] is None:
            del primary["not_comparable"]
    flat = {f"confusion_{name}": table for name, table in analysis["confusions"].items()}
    flat |= {k: analysis[k] for k in ("reliability", "slices") if analysis[k]}
    training = plain["training"] or {}
    return {
        "status": run.identity.status,
        "error": run.identity.error,
        "data": plain["data"] or {},
        "metrics": scores.get("metrics"),
        "baselines": scores.get("baselines"),
        "primary": primaries[0],
        "student_scores": student and {"metrics": student["metrics"], "primary": primaries[1]},
        "student": student and {k: v for k, v in student.items() if k not in ("metrics", "primary")},
        "training": {k: v for k, v in training.items() if k != "seconds"} or None,
        **(plain["network"] or {}),
        "analysis": {**flat, **analysis["more"]},
    }


def weights_of(checkpoint: Path) -> str:
    kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return digest(dict(kept.get("state_dict", kept)))


def digest(value: Any) -> str:
    """SHA-256 of arrays, tensors and what holds them; names of classes do not count."""

    state = hashlib.sha256()

    def add(part: Any) -> None:
        if isinstance(part, torch.Tensor):
            part = part.detach().cpu().numpy()
        if isinstance(part, np.ndarray):
            state.update(f"{part.dtype.str}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        elif dataclasses.is_dataclass(part):
            add({field.name: getattr(part, field.name) for field in dataclasses.fields(part)})
        elif isinstance(part, dict):
            add([*part.items()])
        elif isinstance(part, list | tuple):
            state.update(f"[{len(part)}".encode())
            for item in part:
                add(item)
        elif part is None or isinstance(part, str | int | float | np.generic):
            state.update(f"{part!r};".encode())
        else:
            raise TypeError(f"can't compare a {type(part)}")

    add(value)
    return state.hexdigest()


def taker(data: str) -> str:
    """The first model that can take a data set."""
    return next(name for name in options("model") if data in check([f"model={name}"], False)[0].model.accepts)


def without_paths(text: str, settings: argparse.Namespace) -> str:
    for folder, name in ((settings.cache, "CACHE"), (settings.data_root, "DATA_ROOT"), (str(Path.cwd()), "HERE")):
        text = text.replace(folder, name) if folder else text
    return text
