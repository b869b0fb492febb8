"""The model card against its entry: the same model, verdict, licence, stand-in, run, seed and losses."""

from __future__ import annotations

import math
import re
from typing import Any

from kmidi_lab.errors import show
from kmidi_lab.report.formats import cell
from kmidi_lab.verify.entry import section
from kmidi_lab.verify.findings import Checks

_AGAIN = "export the model again"
_STAND_IN = re.compile(r"^> \*\*Stand-in data\.\*\* (.*)$", re.MULTILINE)
_STATUS = re.compile(r"^Status \*\*([a-z]+)\*\*: (.*)\.$", re.MULTILINE)
_LICENCES = re.compile(r"Licences: (.*?)\.$", re.MULTILINE)
_ROW = r"^\| {} \| (.*) \|$"
_LOSSES = ("train_loss", "val_loss", "test_loss")


def check_card_text(checks: Checks, name: str, card: str, entry: dict[str, Any]) -> None:
    """Holds the card that `report.card` wrote to the entry that `registry.entry` wrote of the same run.

    Args:
        name: of the card, for messages.
        entry: one of the lab's; what it doesn't tell is not asked of the card.
    """
    title = card.partition("\n")[0]
    checks.expect(
        "card", title == f"# {entry.get('id')}", f"{name}: its title is {show(title)}, another model's card; {_AGAIN}"
    )
    training = section(entry, "training")
    pairs = {
        "stand-in": (_first(_STAND_IN, card), entry.get("stand_in")),
        "status": (_first(_STATUS, card), entry.get("status")),
        "licence": (_first(_LICENCES, card), entry.get("license")),
        "run": (_row(card, "run"), training.get("run_id")),
        "seed": (_row(card, "seed"), entry.get("seed")),
    }
    for what, (on_card, in_entry) in pairs.items():
        if in_entry is None and what != "stand-in":
            continue
        same = on_card == (None if in_entry is None else cell(in_entry))
        checks.expect("card", same, f"{name}: {what} is {show(on_card)}, the registry tells {show(in_entry)}; {_AGAIN}")
    settings = _row(card, "settings") or ""
    for loss in _LOSSES:
        # Markdown has a backslash before the underscore.
        number = re.search(loss.replace("_", r"\\?_") + r" ([-+.\de]*\d)", settings)
        right = training.get(loss)
        if number is None or not isinstance(right, int | float) or not math.isfinite(right):
            continue
        # The card gives six digits.
        close = math.isclose(float(number[1]), right, rel_tol=1e-5)
        checks.expect("card", close, f"{name}: {loss} is {number[1]}, the registry tells {right:g}; {_AGAIN}")


def _first(pattern: re.Pattern[str], card: str) -> str | None:
    match = pattern.search(card)
    return match[1] if match else None


def _row(card: str, what: str) -> str | None:
    return _first(re.compile(_ROW.format(re.escape(what)), re.MULTILINE), card)
