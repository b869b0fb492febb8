"""Where published models are read from."""

from __future__ import annotations

import os
from pathlib import Path


def release_root() -> Path | None:
    """The released models that come with the package; None where they don't.

    An installed wheel holds them as `kmidi_lab/release/`. A checkout holds them in `outputs/release/`.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "release", package.parents[1] / "outputs" / "release")
    return next((root for root in candidates if has_registry(root)), None)


def default_root() -> Path | None:
    """MODELS_ROOT of the environment where it holds a registry, else the release."""
    own = os.environ.get("MODELS_ROOT")
    return Path(own) if own and has_registry(Path(own)) else release_root()


def has_registry(root: Path) -> bool:
    """Whether models have been published in a folder."""
    return (root / "registry.json").is_file()
