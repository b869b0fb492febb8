"""The chain: a request to a song that is written, played, heard and drawn, with a trace of who did what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any
from zlib import crc32

from kmidi_lab.bounds import checked_seed
from kmidi_lab.composition import summaries
from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.closing import closed, faded_in, moving
from kmidi_lab.composition.form import Stretch, bars_in, following
from kmidi_lab.composition.mixing import mixed
from kmidi_lab.composition.mood_of_text import briefed
from kmidi_lab.composition.own_chords import told_of_own
from kmidi_lab.composition.pacing import with_paces
from kmidi_lab.composition.performance import Bars, performed
from kmidi_lab.composition.planning import planned, rounds_told
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.reference import AS_HEARD, as_full, listened
from kmidi_lab.composition.request import BY_TEXT, SongRequest
from kmidi_lab.composition.staging import ByBar, moods_by_bar, staged
from kmidi_lab.composition.telling import told_of
from kmidi_lab.composition.tracing import trace_of
from kmidi_lab.errors import ConfigError, one_of, show
from kmidi_lab.files import with_home
from kmidi_lab.inference.published import example_root
from kmidi_lab.song import Arrangement, RuleBreakError, break_rule, new_order

_GO_ALONG = "what was asked of bars goes with them"
"""What a line says of places that were told before."""
_OF_THE_COMMAND = ("out", "sound", "ask")
"""Settings of `SongRequest` that only `task=compose` uses: it writes files and asks questions."""


@dataclass(frozen=True)
class Song:
    """A finished song.

    Args:
        brief: what was decided before it.
        arrangement: as it is written.
        midi: as it is played, a MIDI file's bytes.
        trace: who did what, for a JSON file.
        remarks: what a person should know, a line each.
        drawn: for each chord that a model drew, the model, what it was asked, and the chord.
        bars: of drums that a model played; None where none did.
    """

    brief: Brief
    arrangement: Arrangement
    midi: bytes
    trace: Mapping[str, Any]
    remarks: tuple[str, ...]
    drawn: tuple[tuple[str, Mapping[str, Any], str], ...] = ()
    bars: Bars | None = None


def composed(request: SongRequest, players: Players, seed: int) -> Song:
    """The same request, models and seed give the same bytes.

    Args:
        request: what is asked; its own seed counts, where it has one.
        players: who are asked.
        seed: of what is drawn.

    Raises:
        UserError: what was asked can't be.
    """
    seed = checked_seed(seed if request.seed is None else request.seed)
    reference, heard = listened(request.audio, players) if request.audio else (None, [])
    brief, remarks = briefed(request, players, seed, reference)
    mood_by = "" if brief.mood.words == AS_HEARD else request.mood_by
    heard += reference.lines(request.tempo_by, mood_by, request.metre_by) if reference and not heard else []
    plan, changed = planned(request, brief, partial(_drawn, players, brief))
    brief = replace(brief, bars=bars_in(plan))
    remarks = [*told_of(request, brief), *heard, *remarks]
    if "structure" in players.trace:
        players.note("structure", summaries.of_form(plan))
    plan = following(plan, brief.arc) if brief.arc_asked else plan
    plan = as_full([s._replace(energy=min(s.energy * brief.fullness, 1.0)) for s in plan], brief.energy)
    mix = mixed(request.wishes.changes, brief, request.wishes.words)
    brief = mix.brief
    staging = staged(plan, request.wishes.changes, brief, request.wishes.words, unchanging(request))
    plan = list(staging.form)
    remarks += map(str, (*staging.lines, *mix.lines))
    remarks += [*told_of_own(brief, plan), *rounds_told(brief, plan)]
    arranger = Arranger(brief, players)
    arrangement = arranger.arrange(plan, staging.silent, staging.stages, staging.stops)
    by_bar = ByBar(staging.paces, staging.levels, moods_by_bar(staging.form, staging.stages))
    for rule in brief.rules_broken:
        try:
            order = new_order(arrangement, rule)
            arrangement = break_rule(arrangement, rule)
        except RuleBreakError as error:
            remarks.append(str(error))
        else:
            remarks += [f"{rule} puts bars in another order; {_GO_ALONG}"] if order and staging.lines else []
            by_bar = by_bar.in_order(order) if order else by_bar
    arrangement = with_paces(arrangement, by_bar.paces)
    arrangement = moving(arrangement, request.wishes.course)
    arrangement = closed(faded_in(arrangement) if request.wishes.opening else arrangement, request.wishes.ending)
    played = performed(arrangement, brief, players, by_bar.levels, by_bar.moods, mix)
    remarks += played.remarks
    remarks += [f"{p.model}: no trained model; {p.by} stood in" for p in players.trace.values() if p.fallback]
    remarks += [
        f"{p.model}: your own model, whose status is {p.own}, in the place of the released one; {example_root()} takes that"
        for p in players.trace.values()
        if p.own not in ("", "trained")
    ]
    trace = trace_of(request, brief, arrangement, played, players, remarks, staging, mix.lines)
    if reference:
        trace["reference"] = reference.trace()
    trace["form"]["changed"] = changed
    return Song(brief, arrangement, played.midi, trace, tuple(remarks), tuple(arranger.drawn()), played.bars)


def unchanging(request: SongRequest) -> dict[str, str]:
    """Why mood, key, mode or tempo of a song do not change: what was typed holds in all of it; without what is free.

    Chords that are given may be moved to another key, but are of one mode.
    """
    out = {"tempo": f"{request.tempo_by}"} if request.tempo_by else {}
    if request.mood_by not in ("", BY_TEXT):
        out["mood"] = f"{request.mood_by} says the mood"
    for name in ("key", "chords"):
        if request.typed[name]:
            out.setdefault("key", f"compose.{name}={request.typed[name]} was typed")
    return out | ({"mode": "your chords are of one key"} if request.rows else {})


def _drawn(players: Players, brief: Brief, number: int) -> list[Stretch]:
    asked = {
        "arc": brief.arc, "bars": brief.bars, "mood": str(brief.mood), "tempo": brief.tempo, "metre": brief.metre.name,
    }  # fmt: skip
    # The words count, too: else all songs of one mood and seed would have one form.
    drawn = players.ask("structure", 1000 * brief.seed + number + crc32(brief.title.encode()), **asked)
    return [Stretch(s.name, s.bars, s.energy, s.tension) for s in drawn.sections]


def _no_command(name: str) -> str:
    """Why Python does not take a setting of the command; empty for what is no setting at all."""
    return "Python writes no file and asks nothing: write .midi of the answer." if name in _OF_THE_COMMAND else ""


def compose(
    text: str | None = None,
    models_root: str | Path | None = None,
    seed: int = 1,
    **settings: Any,
) -> Song:
    """A song from a sentence: what `task=compose` makes, without files.

    Args:
        text: what happened, how it feels.
        models_root: a folder with a registry; None as in `kmidi_lab.load`.
        seed: of what is drawn.
        settings: the other keys of `SongRequest`, without `out`, `sound` and `ask`.

    Raises:
        UserError: what was asked can't be.
    """
    from kmidi_lab.inference.published import default_root

    known = [name for name in signature(SongRequest).parameters if name not in _OF_THE_COMMAND]
    for name in settings:
        if name not in known:
            raise ConfigError(one_of("compose", name, [*known, "models_root"], _no_command(name)))
    if not isinstance(models_root, str | Path | None):
        raise ConfigError(f"models_root={show(models_root)} must be a folder's name, or None for the released models")
    root = Path(with_home(str(models_root))) if models_root is not None else default_root()
    if models_root is not None and not Path(str(root)).exists():
        raise ConfigError(f"models_root={root}: there is no such folder; leave it out for the released models")
    return composed(SongRequest(text, **settings), Players(root, Path("outputs/cache")), seed)
