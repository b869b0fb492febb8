"""Kinds of sections that a sentence speaks of, in a form that nobody named and that lacks them."""

from __future__ import annotations

from collections.abc import Collection

from kmidi_lab.composition.form import KINDS, Stretch, stretch_of
from kmidi_lab.wording import many


def with_kinds(plan: list[Stretch], asked: Collection[str]) -> tuple[list[Stretch], str]:
    """The form with a section of each kind that is wanted, where another one of its kind is left, and what became so.

    An intro or an outro is the first or the last section, what else is wanted the last that can be before the last two.
    """
    wanted, told = [kind for kind in KINDS if kind in asked], []
    for kind in wanted:
        kinds = [s.kind for s in plan]
        places = {"intro": [0], "outro": [len(plan) - 1]}.get(kind, [*range(len(plan) - 2, -1, -1)])
        place = next((n for n in places if kinds.count(kinds[n]) > 1 and kinds[n] not in wanted), None)
        place = next((n for n in places if kinds.count(kinds[n]) > 1), None) if place is None else place
        if kind not in kinds and place is not None:
            told.append(f"the {kinds[place]} of {many(plan[place].bars, 'bar')} became the {kind} that is asked for")
            plan = [*plan[:place], stretch_of(kind, plan[place].bars), *plan[place + 1 :]]
    return plan, "; ".join(told)
