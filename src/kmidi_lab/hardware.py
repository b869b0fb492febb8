"""Which machine a run uses, and the hard limits that keep a small one usable.

`find` looks without torch, for `--help`; `resolve` asks torch and decides; `guard` clamps what a config asks
for and says so. The limits are constants here, not config: they protect the machine from the config.
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from kmidi_lab.errors import ConfigError, HardwareError, one_of

log = logging.getLogger(__name__)

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true")
ACCELERATORS = ("auto", "cuda", "mps", "cpu")
_CLUSTERS = (
    "MASTER_ADDR",
    "SLURM_NTASKS",
    "LSB_JOBID",
    "TORCHELASTIC_RUN_ID",
    "OMPI_COMM_WORLD_SIZE",
    "KUBERNETES_PORT",
)
SMOKE_LIMITS = {"mps": (5, 8), "cpu": (10, 16)}
"""preset=smoke: at most this many epochs and this batch, by accelerator (CUDA has none)."""


@dataclass
class Hardware:
    """What a run got. `limits` names the accelerator whose limits hold: a missing MPS keeps its limits."""

    name: str
    accelerator: str
    devices: int
    num_nodes: int
    precision: str
    limits: str
    memory_budget_gb: float
    notes: list[str] = field(default_factory=list)

    def describe(self) -> dict[str, object]:
        return {
            "name": self.name,
            "accelerator": self.accelerator,
            "devices": self.devices,
            "num_nodes": self.num_nodes,
            "precision": self.precision,
            "notes": self.notes,
        }


def find() -> dict[str, str]:
    """Accelerators that seem to be here, by name, without importing torch (drivers and platform only)."""
    devices = {"cpu": f"{os.cpu_count()} cores"}
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        devices["mps"] = "Apple GPU"
    if Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"):
        devices["cuda"] = "NVIDIA driver"
    return devices


def _torch_has() -> dict[str, bool]:
    import torch

    return {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}


def check_choices(accelerator: str, precision: str) -> None:
    """Raises ConfigError for what no machine has."""
    if accelerator not in ACCELERATORS:
        raise ConfigError(one_of("hardware.accelerator", accelerator, ACCELERATORS))
    if precision not in PRECISIONS:
        raise ConfigError(one_of("hardware.precision", precision, PRECISIONS))


def resolve(
    accelerator: str, devices: int, num_nodes: int, precision: str, strict: bool, memory_budget_gb: float
) -> Hardware:
    """Turns a hardware config into what there is.

    MPS that is absent falls back to the CPU under MPS's limits, loudly, unless `strict`. CUDA that is absent is
    an error. Raises ConfigError for values out of range, HardwareError for what is not there.
    """
    check_choices(accelerator, precision)
    for key, value in (("devices", devices), ("num_nodes", num_nodes)):
        if value < 1:
            raise ConfigError(f"hardware.{key}={value} must be 1 or more")
    if memory_budget_gb <= 0:
        raise ConfigError(f"hardware.memory_budget_gb={memory_budget_gb} must be above 0")
    has = _torch_has()
    notes: list[str] = []
    device = next(a for a in ("cuda", "mps", "cpu") if has[a]) if accelerator == "auto" else accelerator
    limits = device
    if not has[device]:
        allowed = ", ".join(a for a in has if has[a])
        if device == "cuda" or strict:
            raise HardwareError(
                f"hardware={device}: there is no {device.upper()} device here. Found: {allowed}. Type hardware=auto"
            )
        notes.append(
            "no MPS device here: training on the CPU with the limits of MPS (hardware.strict=true forbids this)"
        )
        device = "cpu"
    if device == "cuda":
        import torch

        if devices > torch.cuda.device_count():
            raise HardwareError(
                f"hardware.devices={devices}: this machine has {torch.cuda.device_count()} CUDA devices"
            )
    else:
        most = usable_cores() if device == "cpu" else 1
        if devices > most:
            there = f"{most} cores" if device == "cpu" else "one Apple GPU"
            notes.append(
                f"hardware.devices={devices}: there {'is' if most == 1 else 'are'} {there}, so {most} processes train"
            )
            devices = most
    if num_nodes > 1 and not any(name in os.environ for name in _CLUSTERS):
        raise HardwareError(
            f"hardware.num_nodes={num_nodes}: nothing here says where the other machines are; start it under Slurm, or set "
            "MASTER_ADDR, MASTER_PORT and NODE_RANK on each"
        )
    if device != "cuda" and precision.startswith("16"):
        notes.append(f"precision {precision} needs CUDA: using 32-true")
        precision = "32-true"
    for note in notes:
        log.warning(note)
    return Hardware(accelerator, device, devices, num_nodes, precision, limits, memory_budget_gb, notes)


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def may_train(build: str, allowed: bool, preset: str) -> None:
    """Raises HardwareError where the build says that this machine does not train."""
    if not allowed and preset != "smoke":
        raise HardwareError(
            f"build={build}: this machine does not train. Type preset=smoke for a quick check, or build.may_train=true"
        )


@dataclass(frozen=True)
class Limits:
    """What `guard` allows: epochs, batch for each step, and steps of accumulation that keep the effective batch."""

    epochs: int
    batch_size: int
    accumulate: int


def guard(
    hardware: Hardware, preset: str, epochs: int, batch_size: int, accumulate: int, bytes_per_example: int
) -> Limits:
    """Clamps to the hard limits and logs every clamp; notes go into the run's record.

    smoke: MPS 5 epochs and batch 8, CPU 10 and 16. Always: a batch whose estimated memory fits the budget, made up
    for by gradient accumulation. Raises ConfigError for values below 1.
    """
    for key, value in (
        ("trainer.max_epochs", epochs),
        ("data.batch_size", batch_size),
        ("trainer.accumulate", accumulate),
    ):
        if value < 1:
            raise ConfigError(f"{key}={value} must be 1 or more")
    if preset == "smoke" and hardware.limits in SMOKE_LIMITS:
        most_epochs, most_batch = SMOKE_LIMITS[hardware.limits]
        if epochs > most_epochs:
            _note(hardware, f"preset=smoke on {hardware.limits}: {epochs} epochs cut to {most_epochs}")
            epochs = most_epochs
        if batch_size > most_batch:
            _note(hardware, f"preset=smoke on {hardware.limits}: batch {batch_size} cut to {most_batch}")
            batch_size = most_batch
    fits = max(1, int(hardware.memory_budget_gb * 2**30 // bytes_per_example))
    if batch_size > fits:
        steps = -(-batch_size // fits)
        smaller = -(-batch_size // steps)
        _note(
            hardware,
            f"batch {batch_size} needs more than hardware.memory_budget_gb={hardware.memory_budget_gb}: "
            f"batch {smaller}, {steps} steps of accumulation",
        )
        batch_size, accumulate = smaller, accumulate * steps
    return Limits(epochs, batch_size, accumulate)


def _note(hardware: Hardware, text: str) -> None:
    hardware.notes.append(text)
    log.warning(text)
