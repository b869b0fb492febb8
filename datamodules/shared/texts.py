"""Text files of data sets, read without surprises."""

from __future__ import annotations

from pathlib import Path

from datamodules.shared.library import Report


def read_text(path: Path, reading: Report, limit: int = 64 * 2**20) -> str | None:
    """The file's text, or None with the problem reported: missing rights, too large, not UTF-8."""
    try:
        if path.stat().st_size > limit:
            reading.skip(path, "", f"larger than {limit >> 20} MiB")
            return None
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        reading.skip(path, "", "not UTF-8 text", error)
    except OSError as error:
        reading.skip(path, "", "cannot be read", error)
    return None
