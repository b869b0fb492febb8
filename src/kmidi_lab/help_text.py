"""What `--help` prints: models, data, hardware, presets, examples. Imports neither torch, Hydra nor YAML, which take
too long.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from kmidi_lab import __version__, hardware
from kmidi_lab.conf_dir import config_file, options
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError, one_of

_WITH_THE_LAB = "comes with the lab"
_EXAMPLES = (
    ("python -m kmidi_lab model=harmony hardware=auto", "train, check and export one model"),
    ("python -m kmidi_lab model=harmony preset=smoke hardware=cpu", "a quick test of every step, half a minute"),
    ("python -m kmidi_lab -m model=harmony seed=1,2,3 hardware=cpu", "three seeds and a table"),
    ("python -m kmidi_lab task=eval data.split=all data.root=DIR", "score the exported model on other data"),
    ('python -m kmidi_lab task=predict predict.chords="Dm7 G7" predict.key=C', "the likely next chords"),
    ("python -m kmidi_lab model=harmony trainer.max_epochs=5 --cfg job", "show the composed config"),
)
_LOOKS = "# looks for: "
_RELEASED = "The released "
"""How the comment of an experiment begins whose model is in a released models folder."""
_ACCEPTS = re.compile(r"^ +accepts: \[(.*?)\]", re.MULTILINE)


def help_text(model: str | None = None) -> str:
    """The whole text, of the lab's config folder and of the one that `--config-dir` names.

    Args:
        model: whose data sets are told at length; None tells every model's in short.

    Raises:
        ConfigError: no such model.
    """
    built = options("model")
    if model is not None and model not in built:
        raise ConfigError(one_of("model", model, built))
    lines = [
        f"kmidi_lab {__version__}: trains KmiDi's music models, compares them with baselines, exports ONNX and RTNeural.",
        "",
        "usage: python -m kmidi_lab [-m] [task=…] [model=…] [data=…] [hardware=…] [key=value …] [--cfg job] [--version]",
        "",
        "models (model=…): inputs -> outputs, budget of one call, planned parameters, network",
    ]
    for c in CONTRACTS.values():
        ready = "" if c.model in built else "  (contract only, no network yet)"
        lines.append(
            f"  {c.model:<13} {c.input_size:>3} -> {c.output_size:<3}  < {c.budget_ms:g} ms  {c.params_hint:<6} {c.network}{ready}"
        )
    lines += [f"  {name:<13} {comment(config_file('model', name))}" for name in built if name not in CONTRACTS]
    root = Path(os.environ.get("DATA_ROOT", "data"))
    lines += ["", *(_every_model(root, built) if model is None else _one_model(root, model))]
    devices = hardware.find()
    lines += ["", "hardware (hardware=auto|cpu|mps|cuda)"]
    lines += [
        f"  {'found  ' if a in devices else 'missing'}  {a:<5} {devices.get(a, '')}".rstrip()
        for a in ("cuda", "mps", "cpu")
    ]
    for group, note in (
        ("task", "its settings: --help task=NAME"),
        ("preset", "smoke: every step in a minute or two, on a small part of the data that come with the lab"),
        ("build", "dev_mac and prod_aws train only with preset=smoke or build.may_train=true"),
        ("logger", "wandb is offline unless logged in"),
        ("launcher", "how -m runs its jobs"),
        ("strategy", "how a training uses its devices; any argument of Lightning's Trainer: +trainer.NAME=…"),
        ("profiler", "writes curves/fit-profile.txt into the run folder"),
    ):
        names = "|".join(options(group))
        lines.append(("\n" if group == "task" else "") + f"{group}={names}" + (f"   {note}" if note else ""))
    released = [
        name for name in options("experiment") if comment(config_file("experiment", name)).startswith(_RELEASED)
    ]
    others = [name for name in options("experiment") if name not in released]
    lines.append(f"experiment={'|'.join(released)}   trains a released model again")
    lines += [f"experiment={'|'.join(others)}   trains one that is not released"] if others else []
    lines += ["", "examples"] + [f"  {command}\n      {what}" for command, what in _EXAMPLES]
    return "\n".join(lines)


def _every_model(root: Path, models: Sequence[str]) -> list[str]:
    lines = [
        f"data sets (data=…, below DATA_ROOT={root}; a model's first is its default; details: --help model={models[0]})"
    ]
    for model in models:
        for number, data in enumerate(accepted_data(model)):
            sources = ", ".join(f"{_mark(here)} {name}" for name, here in data.is_here(root).items())
            lines.append(f"  {'' if number else model:<13} {data.name:<18} {sources or _WITH_THE_LAB}")
    lines.append("  What is missing is optional: without it the lab's models train on data that come with the lab.")
    return lines


def _one_model(root: Path, model: str) -> list[str]:
    lines = [f"data that model={model} takes (data=…; DATA_ROOT={root}; the first is its default)"]
    for data in accepted_data(model):
        lines += [f"  {data.name}", *textwrap.wrap(data.text, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)]
        here = data.is_here(root)
        lines += [
            f"      {_mark(here[name]):<7}  {name:<14} {' or '.join(globs)}" for name, globs in data.globs.items()
        ]
        lines += [] if data.globs else [f"      {_WITH_THE_LAB}"]
    return lines


def _mark(here: bool) -> str:
    return "found" if here else "missing"


@dataclass(frozen=True)
class DataChoice:
    """A file of conf/data: its `name`, what its comment says, and for each source below DATA_ROOT the globs to look
    for.
    """

    name: str
    text: str
    globs: dict[str, list[str]]

    def is_here(self, root: Path) -> dict[str, bool]:
        """Whether anything of each source lies below `root`."""
        return {name: any(any(root.glob(g)) for g in globs) for name, globs in self.globs.items()}


def accepted_data(model: str) -> list[DataChoice]:
    """The data sets that conf/model/<model>.yaml accepts, the first the default.

    Each is described by the comment at the top of its file, whose last line may be
    `# looks for: source=glob|glob, source=glob`; globs are below DATA_ROOT. Without that line it comes with the lab.
    """
    accepts = _ACCEPTS.search(config_file("model", model).read_text(encoding="utf-8"))
    names = accepts[1].split(",") if accepts else []
    return [_choice(config_file("data", name.strip())) for name in names]


def comment(path: Path) -> str:
    """What the comment at the top of a config file says, beside Hydra's own lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.removeprefix("#").strip() for line in comments if not line.startswith("# @"))


def _choice(path: Path) -> DataChoice:
    sentences, globs = [], {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(_LOOKS):
            pairs = (pair.split("=", 1) for pair in line.removeprefix(_LOOKS).split(", "))
            globs = {name: places.split("|") for name, places in pairs}
        elif line.startswith("#"):
            sentences.append(line.removeprefix("#").strip())
        else:
            break
    return DataChoice(path.stem, " ".join(sentences), globs)
