"""The network of a run or a checkpoint, with its weights: what several tasks go on from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kmidi_lab import run_config
from kmidi_lab.contract_types import version_told
from kmidi_lab.errors import ConfigError, LabError, reason
from kmidi_lab.nn.module import LabModule
from kmidi_lab.resume import BEST, LAST, is_whole
from kmidi_lab.targets import build

_SMALL = 1 << 22
"""Numbers that a network may hold beside its weights, such as tables."""


def load_run(path: Path, trusted: Sequence[str]) -> tuple[LabModule, dict[str, Any], Path]:
    """(module with the checkpoint's weights, the run's resolved config, the checkpoint) of a run folder or .ckpt.

    The folder may come from someone else: `trusted` is what the user says, and the run's own is not looked at. A run
    that was stopped before the student for RTNeural was made has a module without one.

    Raises:
        ConfigError: a file is missing, damaged or of another model.
    """
    import torch

    from kmidi_lab.nn.distillation import STUDENT
    from kmidi_lab.nn.size_limit import NumberLimit

    checkpoint = path if path.suffix == ".ckpt" else path / "checkpoints" / BEST
    settings = checkpoint.parent.parent / run_config.FILE
    for needed in (checkpoint, settings):
        if not needed.is_file():
            raise ConfigError(f"{path}: {needed.name} is missing; give a run folder that training has finished in")
    config = run_config.read(settings)
    if not is_whole(checkpoint):
        last = checkpoint.with_name(LAST)
        raise ConfigError(f"{checkpoint}: cut short or damaged; give {last} for the weights of the last epoch")
    with NumberLimit(checkpoint.stat().st_size + _SMALL, f"{settings}: the network is larger than {checkpoint.name}"):
        module = build(config["model"]["module"], LabModule, trusted)
    try:
        kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
        module.use_contract(version_told(kept))
        module.load_state_dict(kept["state_dict"])
        _load_student(module, checkpoint.with_name(STUDENT))
    except LabError:
        raise
    except Exception as error:  # a damaged archive raises whatever its bytes lead to
        raise ConfigError(f"{checkpoint}: not a checkpoint of this model ({reason(error)})") from None
    return module.eval(), config, checkpoint


def _load_student(module: Any, path: Path) -> None:
    import torch

    plan = module.student_plan()
    if plan is not None and path.is_file() and is_whole(path):
        module.student = plan.network.deployed()
        module.student.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
