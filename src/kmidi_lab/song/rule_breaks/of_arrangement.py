"""The five rules of arrangement: what each changes in a song."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.elements import Bend, Marker, Note, PlacedChord, PlacedKey, Section, Tempo
from kmidi_lab.song.rule_breaks.changing import EARLY, RuleBreakError, louder, loudness, velocity

TOO_LOUD = 1.6
"""How many times as loud as the loudest other part an unbalanced one is."""
BURIED = 0.5
"""How loud a buried voice is, of the softest other part."""
SOFTEST, LOUDEST = 12, 124
"""Mean velocities of the softest and the loudest place where the range is extreme."""
_MOST, _AFTERMATH = 0.98, 0.75


def unbalanced_dynamics(song: Arrangement) -> Arrangement:
    """The softest part becomes the loudest by far."""
    playing = [part for part in song.parts if loudness(part)]
    if len(playing) < 2:
        raise RuleBreakError("ARRANGEMENT_UnbalancedDynamics needs two parts that play; this song has fewer")
    chosen = min(playing, key=loudness)
    raised = louder(chosen, 0.9 / loudness(chosen))
    most = loudness(raised) / TOO_LOUD
    others = max(loudness(part) for part in playing if part is not chosen)
    lowered = min(1.0, most / others)
    return replace(song, parts=tuple(raised if part is chosen else louder(part, lowered) for part in song.parts))


def structural_mismatch(song: Arrangement) -> Arrangement:
    """A section that returns comes back otherwise, its bars in reverse order; where none returns, the order of all is reversed."""
    sections, order = song.sections, mismatched(song.sections)
    if len({section.name for section in sections}) < len(sections):
        seen = [{s.name for s in sections[:n]} for n in range(len(sections))]
        names = [replace(s, name="other") if s.name in before else s for s, before in zip(sections, seen, strict=True)]
        return replace(_in_order(song, order), sections=tuple(names))
    start, placed = 0, []
    for section in reversed(sections):
        placed.append(replace(section, start=start))
        start += section.bars
    return replace(_in_order(song, order), sections=tuple(placed))


def mismatched(sections: Sequence[Section]) -> list[int]:
    """The bars of a song in the order in which `structural_mismatch` plays them."""
    if len(sections) < 2:
        raise RuleBreakError("ARRANGEMENT_StructuralMismatch needs two sections; this song has fewer")
    bars = [list(range(section.start, section.start + section.bars)) for section in sections]
    names = [section.name for section in sections]
    if len({*names}) == len(names):
        return [bar for own in reversed(bars) for bar in own]
    return [bar for n, own in enumerate(bars) for bar in (own[::-1] if names[n] in names[:n] else own)]


def buried_vocals(song: Arrangement) -> Arrangement:
    """The voice is half as loud as the softest other part."""
    lead = song.part("lead")
    others = [loudness(part) for part in song.parts if loudness(part) and part.role != "lead"]
    if lead is None or not loudness(lead) or not others:
        raise RuleBreakError("ARRANGEMENT_BuriedVocals needs a part with the role lead, and one that it lies below")
    wanted = BURIED * min(others)
    parts = (louder(p, min(1.0, wanted / loudness(p))) if p.role == "lead" and loudness(p) else p for p in song.parts)
    return replace(song, parts=tuple(parts))


def extreme_dynamic_range(song: Arrangement) -> Arrangement:
    """The section of the least energy is hardly heard, that of the most is as loud as can be; a single one grows all along."""
    energies = [section.energy for section in song.sections]
    low, high = (min(energies), max(energies)) if energies else (0.0, 0.0)

    def level(place: float) -> float:
        section = song.section_at(place)
        return (section.energy - low) / (high - low) if section and high > low else place / song.length

    return _levelled(song, lambda place: SOFTEST + (LOUDEST - SOFTEST) * min(1.0, level(place)))


def premature_climax(song: Arrangement) -> Arrangement:
    """The peak is in the first third of the song; what follows loses energy from section to section."""
    sections = song.sections
    if len(sections) < 2:
        raise RuleBreakError("ARRANGEMENT_PrematureClimax needs two sections; this song has fewer")
    peak = max((i for i, s in enumerate(sections) if s.start <= len(song.metres) / 3), default=0)
    energies = [
        min(section.energy, _AFTERMATH) if at < peak else _MOST * _AFTERMATH ** (at - peak)
        for at, section in enumerate(sections)
    ]
    changed = replace(song, sections=tuple(replace(s, energy=e) for s, e in zip(sections, energies, strict=True)))

    def level(place: float) -> float:
        section = changed.section_at(place)
        return 30 + 94 * (section.energy if section else 0.5)

    return _levelled(changed, level)


def _levelled(song: Arrangement, level: Callable[[float], float]) -> Arrangement:
    """The song with the mean velocity of each part in each section at a level; accents stay, a third as strong."""
    parts = []
    for part in song.parts:
        own: dict[int, list[Note]] = defaultdict(list)
        for note in part.notes:
            section = song.section_at(note.start + EARLY)
            own[section.start if section else 0].append(note)
        means = {start: sum(note.velocity for note in notes) / len(notes) for start, notes in own.items()}
        changed = [
            n._replace(velocity=velocity(level(n.start + EARLY) + (n.velocity - means[start]) / 3))
            for start, notes in own.items()
            for n in notes
        ]
        parts.append(part.with_notes(changed))
    return replace(song, parts=tuple(parts))


def _in_order(song: Arrangement, order: list[int]) -> Arrangement:
    """The song with its bars in another order; what sounds over a bar line ends there, where the next bar is another."""
    starts, metres, at = {}, [], 0.0
    for bar in order:
        starts[bar] = at
        metres.append(song.metres[bar])
        at += song.metres[bar].quarters
    follows = {bar for bar, after in zip(order, order[1:], strict=False) if after == bar + 1}

    def place(start: float) -> float:
        bar = song.bar_at(start + EARLY)
        return max(0.0, starts[bar] + start - song.bar_starts[bar])

    def stop(start: float, end: float) -> float:
        bar = song.bar_at(start + EARLY)
        while bar in follows and end > song.bar_starts[bar + 1]:
            bar += 1
        return place(start) + min(end, song.bar_starts[bar + 1]) - start

    chords: list[PlacedChord] = []
    sounding = None
    for bar in order:
        begin, end = song.bar_starts[bar], song.bar_starts[bar + 1]
        for placed in song.chords:
            first, last = max(placed.start, begin), min(placed.stop, end)
            if last - first <= 1e-6:
                continue
            start = starts[bar] + first - begin
            if placed is sounding:  # goes on over a bar line
                start = chords.pop().start
            chords.append(PlacedChord(start, starts[bar] + last - begin - start, placed.chord))
            sounding = placed
    tempos: dict[float, float] = {}
    for bar in order:
        inside = [t for t in song.tempos if song.bar_starts[bar] < t.start < song.bar_starts[bar + 1]]
        tempos[starts[bar]] = song.tempo_at(song.bar_starts[bar])
        tempos |= {place(t.start): t.tempo for t in inside}
    known = (PlacedKey(0.0, song.key, song.tonic), *song.keys)
    keys = [
        next(k for k in reversed(known) if k.start <= song.bar_starts[bar] + EARLY)._replace(start=starts[bar])
        for bar in order
    ]
    turns = [after for before, after in pairwise(keys) if before[1:] != after[1:]]
    kept = [Tempo(at, tempos[at]) for at in sorted(tempos)]
    kept = [tempo for at, tempo in enumerate(kept) if at == 0 or tempo.tempo != kept[at - 1].tempo]
    return replace(
        song,
        key=keys[0].key,
        tonic=keys[0].tonic,
        mode=song.mode if keys[0].key.mode == song.key.mode else "minor" if keys[0].key.mode < 0 else "major",
        keys=tuple(turns),
        metres=tuple(metres),
        sections=(),
        tempos=tuple(kept),
        chords=tuple(chords),
        markers=tuple(sorted(Marker(place(m.start), m.text) for m in song.markers)),
        parts=tuple(
            replace(
                part.with_notes(
                    [
                        n._replace(start=place(n.start), duration=stop(n.start, n.stop) - place(n.start))
                        for n in part.notes
                    ]
                ),
                bends=tuple(sorted(Bend(place(b.start), b.semitones) for b in part.bends)),
            )
            for part in song.parts
        ),
    )
