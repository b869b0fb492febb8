"""What the licences of the data say about using a trained model in a product. No legal advice: a reading of the texts."""

from __future__ import annotations

import re
from typing import Literal

ProductUse = Literal["yes", "no", "ask"]

# Words of a licence that forbid use in a product, and those that allow it. What neither names is to be asked for.
_FORBIDS = re.compile(r"\bNC\b|\bnon-?commercial\b|\bresearch\b", re.IGNORECASE)
_ALLOWS = re.compile(
    r"\bMIT\b|\bBSD\b|\bApache-2\.0\b|\bCC0\b|\bCC[ -]BY[ -][\d.]+|^(scores|tunes) in the public domain$|is not restricted by"
    r"|performances made here by rule$|^made (here )?by rule$",
    re.IGNORECASE,
)


# Parts of a licence, except where the next part goes on about the same: "…; its output is not restricted by that licence".
_BETWEEN = re.compile(r";\s+(?!its |what )")


def joined(*licences: str | None) -> str:
    """Those of data that have taught one model, each part once."""
    return "; ".join(dict.fromkeys(part for licence in licences for part in _BETWEEN.split(licence or "") if part))


def product_use(licence: str | None) -> ProductUse:
    """Whether a model trained on data of these licences may be used in a product.

    Args:
        licence: as a data set states it; several are parted by semicolons, each may begin with its source and a colon.

    Returns:
        "no" where one licence is for research or non-commercial use only; "yes" where every one allows use in a product
        (CC BY: with credit); else "ask": the owner's terms do not speak of it.
    """
    return _judged(licence)[0]


def deciding_licences(licence: str | None) -> str:
    """The licences that decide `product_use`: those that forbid, else those that do not say, else all."""
    return "; ".join(_judged(licence)[1])


def _judged(licence: str | None) -> tuple[ProductUse, list[str]]:
    parts = [part.strip() for part in _BETWEEN.split(licence or "") if part.strip()]
    if forbidding := [part for part in parts if _FORBIDS.search(part)]:
        return "no", forbidding
    silent = [part for part in parts if not _ALLOWS.search(re.sub(r"^\w+: ", "", part))]
    return ("ask", silent) if silent or not parts else ("yes", parts)
