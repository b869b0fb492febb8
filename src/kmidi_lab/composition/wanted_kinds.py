"""Kinds of sections that a sentence speaks of, in a form that nobody named and that lacks them."""

from __future__ import annotations

from collections.abc import Mapping

from kmidi_lab.composition.form import KINDS, Stretch, stretch_of
from kmidi_lab.wording import many

_SPARE = ("solo", "breakdown", "bridge", "pre-chorus")
"""Kinds that a song can do without."""


def with_kinds(plan: list[Stretch], asked: Mapping[str, int]) -> tuple[list[Stretch], str]:
    """The form with as many sections of each kind as are wanted, where others are to spare, and what became so.

    An intro or an outro is the first or the last section, what else is wanted the last that can be before the last two.
    """
    told = []
    for kind in (kind for kind in KINDS if kind in asked):
        while sum(s.kind == kind for s in plan) < asked[kind] and (place := _place(plan, kind, asked)) is not None:
            told.append(
                f"the {plan[place].kind} of {many(plan[place].bars, 'bar')} became the {kind} that is asked for"
            )
            plan = [*plan[:place], stretch_of(kind, plan[place].bars), *plan[place + 1 :]]
    return plan, "; ".join(told)


def _place(plan: list[Stretch], kind: str, asked: Mapping[str, int]) -> int | None:
    """Where a section of a kind can be; None where each other one is needed."""
    kinds = [s.kind for s in plan]
    places = {"intro": [0], "outro": [len(plan) - 1]}.get(kind, [*range(len(plan) - 2, -1, -1)])
    several = [n for n in places if kinds.count(kinds[n]) > max(1, asked.get(kinds[n], 0))]
    free = [n for n in several if kinds[n] not in asked]
    if kind not in kinds:
        return next(iter(free or several), None)
    spare = [n for n in places if kinds[n] in _SPARE and kinds[n] not in asked]
    return next((n for n in [*spare, *free] if kind not in kinds[max(0, n - 1) : n + 2]), None)
