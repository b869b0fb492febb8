"""The model card against its entry: the same model, verdict, licence, stand-in, run, seed, losses and scores."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

from kmidi_lab.errors import show
from kmidi_lab.report.formats import cell, duration
from kmidi_lab.report.view import text_of
from kmidi_lab.verify.card_tables import check_card_tables
from kmidi_lab.verify.entry import section
from kmidi_lab.verify.findings import AGAIN, Checks

_STAND_IN = re.compile(r"^> \*\*Stand-in data\.\*\* (.*)$", re.MULTILINE)
_STATUS = re.compile(r"^Status \*\*([a-z]+)\*\*: (.*)\.$", re.MULTILINE)
_REASON = re.compile(r"^Status \*\*[a-z]+\*\*: (.*)\.$", re.MULTILINE)
_PARAMETERS = re.compile(r" ([\d,]+) trained parameters")
_DATA = re.compile(r"^## Data\n\n`([^`]+)`", re.MULTILINE)
_FINGERPRINT = re.compile(r"fingerprint `(\S+)`")
_NO_EFFECT = re.compile(r"^## Inputs without effect\n\n(.*)$", re.MULTILINE)
_PRODUCT = re.compile(r"Use in a product: \*\*(\w+)\*\*")
_LICENCES = re.compile(r"^(?>.*?Licences: )(.*)\.$", re.MULTILINE)
_ACCELERATOR = re.compile(r"accelerator (\w+)")
_ROW = r"^\| {} \| (.*) \|$"
_SETTINGS = ("epochs", "batch_size", "learning_rate", "optimizer", "loss")
_LOSSES = ("train_loss", "val_loss", "test_loss")


def check_card_text(checks: Checks, name: str, card: str, entry: dict[str, Any]) -> None:
    """Holds the card that `report.card` wrote to the entry that `registry.entry` wrote of the same run.

    Args:
        name: of the card, for messages.
        entry: one of the lab's; what it doesn't tell is not asked of the card.
    """
    title = card.partition("\n")[0]
    checks.expect(
        "card", title == f"# {entry.get('id')}", f"{name}: its title is {show(title)}, another model's card; {AGAIN}"
    )
    training = section(entry, "training")
    pairs = {
        "stand-in": (_first(_STAND_IN, card), entry.get("stand_in")),
        "status": (_first(_STATUS, card), entry.get("status")),
        "licence": (_first(_LICENCES, card), entry.get("license")),
        "run": (_row(card, "run"), training.get("run_id")),
        "seed": (_row(card, "seed"), entry.get("seed")),
        "reason": (_first(_REASON, card), entry.get("status_reason")),
        "fingerprint of the data": (_first(_FINGERPRINT, card), entry.get("data_fingerprint")),
        "use in a product": (_first(_PRODUCT, card), entry.get("product_use")),
        "trained parameters": (_first(_PARAMETERS, card), _counted(entry.get("params"))),
        "commit": (_row(card, "commit"), _commit(entry)),
        "code sha256": (_row(card, "code sha256"), entry.get("code_sha256")),
        "inputs without effect": (_first(_NO_EFFECT, card), _without_effect(entry.get("no_effect"))),
        "network": (cell(arch) if (arch := entry.get("arch_hint")) and cell(arch) in card else None, arch),
    }
    for what, (on_card, in_entry) in pairs.items():
        if in_entry is None and what != "stand-in":
            continue
        same = on_card == (None if in_entry is None else cell(in_entry))
        checks.expect("card", same, f"{name}: {what} is {show(on_card)}, the registry tells {show(in_entry)}; {AGAIN}")
    started, ended = _row(card, "started"), training.get("training_date")
    order = not (started and isinstance(ended, str)) or _moment(started) <= _moment(ended)
    fault = f"{name}: the run started {show(started)}, and training_date is {show(ended)}; {AGAIN}"
    checks.expect("card", order, fault)
    _check_statements(checks, name, card, entry)
    _check_settings(checks, name, _row(card, "settings") or "", training)
    check_card_tables(checks, name, card, entry)


def _check_statements(checks: Checks, name: str, card: str, entry: dict[str, Any]) -> None:
    """What both may tell of the run, and need not."""
    training = section(entry, "training")
    spread = section(entry, "spread")
    seconds = training.get("duration_seconds")
    statements = {
        "data": (_first(_DATA, card), training.get("dataset_id")),
        "hardware": (
            _first(_ACCELERATOR, _row(card, "hardware") or ""),
            str(training["hardware"]).partition(":")[0] if "hardware" in training else None,
        ),
        "training time": (
            _row(card, "training"),
            duration(seconds) if isinstance(seconds, int | float) and seconds else None,
        ),
    }
    for what in ("seeds", "folds"):
        listed = spread.get(what)
        numbers = ", ".join(map(str, listed)) if isinstance(listed, list) else ""
        statements[f"{what} of the spread"] = (_row(card, f"{what} of the spread"), numbers)
    for what, (on_card, in_entry) in statements.items():
        same = None in (on_card, in_entry) or on_card == in_entry
        checks.expect("card", same, f"{name}: {what} is {show(on_card)}, the registry tells {show(in_entry)}; {AGAIN}")


def _check_settings(checks: Checks, name: str, settings: str, training: dict[str, Any]) -> None:
    """How the network was trained, as far as both tell, and its losses."""
    for key in _SETTINGS:
        row = cell(f"{key} {text_of(training.get(key))}")
        if re.search(rf"(^|, ){re.escape(cell(key))} ", settings) and training.get(key) is not None:
            same = re.search(rf"(^|, ){re.escape(row)}(,|$)", settings) is not None
            checks.expect(
                "card", same, f"{name}: settings are {show(settings)}, the registry tells {show(row)}; {AGAIN}"
            )
    for loss in _LOSSES:
        # Markdown has a backslash before the underscore.
        number = re.search(loss.replace("_", r"\\?_") + r" (-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)", settings)
        right = training.get(loss)
        if number is None or not isinstance(right, int | float) or not math.isfinite(right):
            continue
        # The card gives six digits.
        close = math.isclose(float(number[1]), right, rel_tol=1e-5)
        checks.expect("card", close, f"{name}: {loss} is {number[1]}, the registry tells {right:g}; {AGAIN}")


def _moment(told: str) -> datetime:
    """A point in time as ISO 8601 has it. Raises ValueError."""
    moment = datetime.fromisoformat(told)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _counted(params: object) -> str | None:
    return f"{params:,}" if isinstance(params, int) else None


def _commit(entry: dict[str, Any]) -> str | None:
    commit = section(entry, "training").get("git_commit")
    return None if commit is None else f"{commit}{' with uncommitted changes' if entry.get('git_dirty') else ''}"


def _without_effect(names: object) -> str | None:
    """The sentence of the card."""
    if not isinstance(names, list):
        return None
    listed = ", ".join(f"`{name}`" for name in names)
    return f"These inputs change no output: {listed}." if names else "Every input changes the output."


def _first(pattern: re.Pattern[str], card: str) -> str | None:
    match = pattern.search(card)
    return match[1] if match else None


def _row(card: str, what: str) -> str | None:
    return _first(re.compile(_ROW.format(re.escape(what)), re.MULTILINE), card)
