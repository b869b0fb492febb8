"""What machine this is, for run.json, cards and benchmarks; looks without importing torch."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

from kmidi_lab.hardware import usable_cores

_TIMEOUT_S = 5.0


def machine_fingerprint() -> dict[str, Any]:
    """Facts about this machine; `id` is a short hash over all the others.

    Returns:
        `id`, `cpu`, `cores` (logical), `usable_cores` (this process may run on), `memory_gb` (GiB), `gpu` (names,
        empty when none is visible), `os`, `arch`, `python`, `virtual` (container or VM hints, empty when none).
        No host or user name: the record is published with the model.
    """
    facts: dict[str, Any] = {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": _gpus(),
        "os": _os(),
        "arch": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "virtual": _virtual(),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return {"id": digest[:12], **facts}


def _cpu() -> str:
    if platform.system() == "Darwin":
        name = _output("sysctl", "-n", "machdep.cpu.brand_string")
    else:
        # ARM Linux has no "model name"; the architecture is all there is then.
        name = _field(_text(Path("/proc/cpuinfo")), "model name")
    return name or platform.processor() or platform.machine()


def _gpus() -> list[str]:
    if platform.system() == "Darwin":
        return [f"{_cpu()} GPU"] if platform.machine() == "arm64" else []
    found = [_field(_text(p), "Model") for p in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    names = [name for name in found if name]
    if names or not shutil.which("nvidia-smi"):
        return names
    # Containers and WSL may hide /proc/driver and still pass the driver through.
    return _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()


def _os() -> str:
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}"
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        name = platform.system()
    return f"{name}, kernel {platform.release()}"


def _virtual() -> list[str]:
    hints = {
        "docker": Path("/.dockerenv").exists(),
        "podman": Path("/run/.containerenv").exists(),
        "kubernetes": "KUBERNETES_SERVICE_HOST" in os.environ,
        "virtual machine": "hypervisor" in _field(_text(Path("/proc/cpuinfo")), "flags").split(),
    }
    return [name for name, there in hints.items() if there]


def _field(text: str, key: str) -> str:
    """The value of the first `key : value` line, or an empty string."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _output(*command: str) -> str:
    """What a command prints, or an empty string where it is missing, slow or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
