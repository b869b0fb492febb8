"""The model card tells the status too, so it changes together with its entry."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.files import is_published_name, read_file
from kmidi_lab.report.markdown import cell

_STATUS = re.compile(rb"^Status \*\*[a-z]+\*\*: [^\r\n]*", re.MULTILINE)
log = logging.getLogger(__name__)


def with_card(models_root: Path, entry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(`entry` with the hash of its new card, the card by path), the card's status line as `entry` has it.

    A card that is not the published one, or has no such line, is left as it is, with a warning.
    """
    try:
        card = _restated(models_root, entry)
    except RegistryError as error:
        log.warning("%s: the model card still tells the old status: %s", entry["id"], error)
        return dict(entry), {}
    name = entry["model_card"]
    facts = {"sha256": hashlib.sha256(card).hexdigest(), "bytes": len(card)}
    return {**entry, "files": {**entry["files"], name: facts}}, {name: card}


def _restated(models_root: Path, entry: Mapping[str, Any]) -> bytes:
    name = entry.get("model_card", "")
    told = entry.get("files", {}).get(name)
    if told is None or not is_published_name(name):
        raise RegistryError("it is not among the files of the entry; correct it by hand")
    line = f"Status **{entry['status']}**: {cell(entry['status_reason'])}."
    card, found = _STATUS.subn(lambda _: line.encode(), read_file(models_root, name, told["sha256"]), count=1)
    if not found:
        raise RegistryError(f"{name} has no line that begins with 'Status **'; correct it by hand")
    return card
