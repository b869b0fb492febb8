"""The form of a song: as it is typed or named, a blues' rounds, or the best that the structure model draws."""

from __future__ import annotations

from functools import partial

from kmidi_lab.composition.blues import TURNS, blues_form
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.change import said_kinds
from kmidi_lab.composition.choosing import chosen_form
from kmidi_lab.composition.form import Draw, Stretch
from kmidi_lab.composition.jigs import JIG_KINDS, jig_form
from kmidi_lab.composition.own_chords import bars_of_row
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.rounds import cut_off, in_rounds
from kmidi_lab.composition.wanted_kinds import with_kinds
from kmidi_lab.wording import many

_IN_ROUNDS = "sections became whole rounds of the chords that are given"


def named_form(request: SongRequest, brief: Brief) -> list[Stretch] | None:
    """The form that is typed; the one that the text names, or a blues has, in whole rounds of its chords; None where none is."""
    form = request.extent.form(brief.tempo, brief.metre)
    if form is None and brief.blues:
        bars = request.extent.bars(brief.tempo, brief.metre) or brief.bars
        return blues_form(bars, len(brief.blues), bool(request.extent.asked))
    if form is None or request.typed["sections"]:
        return form
    return in_rounds(form, partial(bars_of_row, brief), request.extent.asked)


def planned(request: SongRequest, brief: Brief, draw: Draw) -> tuple[list[Stretch], str]:
    """The form, with the sections that the text speaks of, and what a rule changed in it; `draw` as `chosen_form` takes it."""
    if form := named_form(request, brief):
        return form, ""
    wanted = {**dict.fromkeys(brief.own.named, 1), **said_kinds(request.wishes.changes)}
    if brief.jig and not request.rows and {*wanted} <= {*JIG_KINDS}:
        form = jig_form(brief.bars, bool(request.extent.bars(brief.tempo, brief.metre)))
        if form:
            return form, ""
    plan, changed = chosen_form(draw, brief.bars, wanted)
    plan, more = with_kinds(plan, wanted)
    whole = in_rounds(plan, partial(bars_of_row, brief), request.extent.asked)
    return whole, "; ".join(filter(None, (changed, more, _IN_ROUNDS if whole != plan else "")))


def rounds_told(brief: Brief, plan: list[Stretch]) -> list[str]:
    """That a section cuts rounds off, in a line."""
    lines = cut_off(plan, partial(bars_of_row, brief), "the chords of a blues" if brief.blues else "your chords")
    bars = len(brief.blues)
    if short := [s for s in plan if s.bars < bars and s.kind not in TURNS]:
        lines.append(f"the {short[0].kind} of {many(short[0].bars, 'bar')} has no room for a blues' round of {bars}")
    return lines
