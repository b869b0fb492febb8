"""Where task=predict writes a MIDI file, checked before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kmidi_lab.errors import ConfigError


def midi_target(out: str | None, default: Path, source: Path | None = None) -> Path:
    """`predict.out` as a file: a folder gets a file of the default's name, nothing the default itself.

    Raises:
        ConfigError: no .mid at its end, a folder that isn't there, or the file that is read.
    """
    target = Path(out) if out else default
    target = target / default.name if target.is_dir() else target
    if target.suffix.lower() not in (".mid", ".midi"):
        raise ConfigError(f"predict.out={out} must end in .mid, such as predict.out={default.name}")
    if out and not target.parent.is_dir():
        raise ConfigError(f"predict.out={out}: {target.parent} is not a folder; make it first")
    if source and target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"predict.out={out} is predict.midi itself; give another file")
    return target


def named(midi: Path | bytes) -> str:
    """What messages call a MIDI file that is given by name or as its bytes."""
    return "the MIDI data" if isinstance(midi, bytes) else str(midi)


def say_flaws(flaws: Mapping[str, int]) -> None:
    """Says what was wrong in a file that was read all the same; nothing where it was whole."""
    if flaws:
        print(f"The file was read with {', '.join(f'{count} {reason}' for reason, count in flaws.items())}.")
