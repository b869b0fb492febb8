"""Where a result comes from: code, versions, machine; looks without importing torch."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

from kmidi_lab import __version__
from kmidi_lab.hardware import usable_cores

_PACKAGES = (
    "torch",
    "torchaudio",
    "lightning",
    "hydra-core",
    "numpy",
    "onnx",
    "onnxruntime",
    "muspy",
    "music21",
)
_REPO = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 5.0


def versions() -> dict[str, str]:
    out = {"python": platform.python_version(), "kmidi_lab": __version__}
    for name in _PACKAGES:
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            out[name] = "not installed"
    return out


def git_state() -> tuple[str | None, bool]:
    """(commit, whether tracked files differ from it), or (None, False) outside a checkout."""
    commit = _git("rev-parse", "HEAD")
    return (commit, bool(_git("status", "--porcelain", "--untracked-files=no"))) if commit else (None, False)


def _git(*args: str) -> str | None:
    if not (_REPO / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(_REPO), *args], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def code_fingerprint() -> str:
    """SHA-256 over the lab's own Python files, for runs outside a checkout or with local changes."""
    digest = hashlib.sha256()
    for base in (_folder("kmidi_lab"), _folder("datamodules")):
        for path in sorted(base.rglob("*.py")):
            digest.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _folder(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None, package
    return Path(spec.origin).parent


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
    cards = [_field(_text(p), "Model") for p in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    names = [name for name in cards if name]
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
