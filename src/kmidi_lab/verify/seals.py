"""Whether an entry, or its history, was changed by hand: digests, and the lines that are tied to each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from kmidi_lab.errors import show
from kmidi_lab.registry.history import PROMOTED
from kmidi_lab.registry.versions import digest
from kmidi_lab.verify.entry import is_lab, section
from kmidi_lab.verify.findings import AGAIN, Checks


def check_history(checks: Checks, entry: dict[str, Any]) -> None:
    """Each line as the lab wrote it, tied to the one before; and a line behind `production`.

    Lines of a lab that wrote no digests lie below those with one.
    """
    history = entry.get("history")
    lines = [line for line in history if isinstance(line, dict)] if isinstance(history, list) else []
    signed = [line for line in lines if "digest" in line]
    changed = [line for line in signed if line["digest"] != digest(line)]
    torn = [line for line, older in itertools.pairwise(lines) if line.get("older") != older.get("digest")]
    odd = [*changed, *torn, *(line for line in lines[: len(signed)] if "digest" not in line)]
    names = ", ".join(dict.fromkeys(show(line.get("version")) for line in odd))
    checks.expect("history", not odd, f"the history was changed by hand at {names}; take the registry from a backup")
    if entry.get("status") == "production":
        run = section(entry, "training").get("run_id")
        earned = lines[:1] and str(lines[0].get("replaced_because")).startswith(PROMOTED)
        again = any(line.get("status") == "production" and line.get("run_id") == run for line in lines)
        checks.expect(
            "history",
            bool(earned) or again,
            "status 'production' is claimed, and no line of the history tells who promoted it; set it to trained and "
            "promote it by task=registry registry.action=promote",
        )


def check_digest(checks: Checks, entry: dict[str, Any]) -> None:
    """All that the entry says is what the lab wrote; one of an earlier release has no digest (`check_sealed`)."""
    if "digest" in entry:
        fault = (
            "the entry was changed by hand since it was written; take the registry from a backup, or publish it again"
        )
        checks.expect("digest", entry["digest"] == digest(entry), fault)


def check_sealed(entries: Sequence[tuple[Checks, dict[str, Any]]]) -> None:
    """The lab seals all of its entries at once, so one without a digest among others was changed."""
    ours = [(checks, entry) for checks, entry in entries if is_lab(entry)]
    some = any("digest" in entry for _, entry in ours)
    for checks, entry in ours:
        if "digest" not in entry:
            tell = checks.fault if some else checks.note
            tell("digest", f"has no digest, so a change of what it tells once stays unseen; {AGAIN}")
