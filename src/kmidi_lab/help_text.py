"""What `--help` prints: models, data, hardware, presets, examples. Imports neither torch nor Hydra."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from kmidi_lab import __version__, hardware
from kmidi_lab.contracts import CONTRACTS

_EXAMPLES = (
    ("python -m kmidi_lab model=harmony hardware=auto", "train, prove and export one model"),
    ("python -m kmidi_lab model=harmony preset=smoke hardware=cpu", "the whole path in half a minute"),
    ("python -m kmidi_lab -m model=harmony seed=1,2,3 hardware=cpu", "three seeds and a table"),
    ("python -m kmidi_lab task=eval data.split=all data.root=DIR", "score the exported model on other data"),
    ('python -m kmidi_lab task=predict predict.chords="Dm7 G7" predict.key=C', "the likely next chords"),
    ("python -m kmidi_lab model=harmony trainer.max_epochs=5 --cfg job", "show the composed config"),
)
_DATA = (
    ("embedded progressions", None, "comes with the lab"),
    ("music21 corpus", "music21", "analyses and chorales, installed with muspy"),
    ("jazz_standards/JazzStandards.json", "", "chord charts"),
    ("pop909/", "", "pop songs"),
    ("kmidi/", "", "KmiDi's progression database"),
)


def help_text(conf: Path) -> str:
    """The whole text; `conf` is the config folder."""
    root = Path(os.environ.get("DATA_ROOT", "data"))
    built = {p.stem for p in (conf / "model").glob("*.yaml")}
    lines = [
        f"kmidi_lab {__version__}: trains KmiDi's music models, proves them against baselines, exports ONNX and RTNeural.",
        "",
        "usage: python -m kmidi_lab [-m] [task=…] [model=…] [data=…] [hardware=…] [key=value …] [--cfg job] [--version]",
        "",
        "models (model=…)",
    ]
    for c in CONTRACTS.values():
        ready = "" if c.model in built else "  (contract only, no network yet)"
        lines.append(
            f"  {c.model:<13} {c.input_size:>3} -> {c.output_size:<3}  < {c.budget_ms:g} ms  {c.params_hint:<6} {c.network}{ready}"
        )
    lines += ["", f"data (DATA_ROOT={root})"]
    lines += [
        f"  {'found  ' if _found(root, name, module) else 'missing'}  {name:<35} {what}" for name, module, what in _DATA
    ]
    found = hardware.find()
    lines += ["", "hardware (hardware=auto|cpu|mps|cuda)"]
    lines += [f"  {'found  ' if a in found else 'missing'}  {a:<5} {found.get(a, '')}" for a in ("cuda", "mps", "cpu")]
    for group, note in (
        ("task", ""),
        ("preset", "smoke: the whole path, few steps; what data need is prepared all the same"),
        ("build", "dev_mac and prod_aws train only with preset=smoke or build.may_train=true"),
        ("logger", "wandb is offline unless logged in"),
        ("launcher", "how -m runs its jobs"),
        ("experiment", "reproduces a released model"),
    ):
        names = "|".join(sorted(p.stem for p in (conf / group).glob("*.yaml")))
        lines.append(("\n" if group == "task" else "") + f"{group}={names}" + (f"   {note}" if note else ""))
    lines += ["", "examples"] + [f"  {command}\n      {what}" for command, what in _EXAMPLES]
    return "\n".join(lines)


def _found(root: Path, name: str, module: str | None) -> bool:
    if module is None:
        return True
    return importlib.util.find_spec(module) is not None if module else _holds_something(root / name)


def _holds_something(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))
