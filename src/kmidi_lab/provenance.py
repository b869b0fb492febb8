"""Where a result comes from: code, versions, command."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import platform
import subprocess
from pathlib import Path

_PACKAGES = (
    "kmidi_lab",
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


def versions() -> dict[str, str]:
    out = {"python": platform.python_version()}
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
