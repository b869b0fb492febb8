"""Tools of the rule breaks: other chords under the same notes, louder and softer parts, beats taken out, free channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kmidi_lab.chords.chord import Chord
from kmidi_lab.errors import UserError
from kmidi_lab.midi.piece import DRUM_CHANNEL
from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.elements import Metre, Note, Part, PlacedChord, Section

CHORDAL = ("comp", "pad")
PITCHED = ("lead", "bass", "comp", "pad", "other")
EARLY = 0.12
"""What begins so little before a place, in quarters, is played early and belongs to it: half a sixteenth."""
_TINY = 1e-6


class RuleBreakError(UserError):
    """A rule that can't be broken, or not in this song; the message names it and says why."""


def with_parts(song: Arrangement, change: Callable[[Part], Sequence[Note]], roles: Iterable[str]) -> Arrangement:
    """The song with other notes in the parts of these roles."""
    chosen = set(roles)
    parts = (part.with_notes(change(part)) if part.role in chosen else part for part in song.parts)
    return replace(song, parts=tuple(parts))


def whole_sections(song: Arrangement) -> tuple[Section, ...]:
    """The sections, or one over all bars where there are none."""
    return song.sections or (Section("song", 0, len(song.metres)),)


def chords_of(song: Arrangement, section: Section) -> list[int]:
    """Which chords begin in a section, by their number."""
    start, stop = song.span(section)
    return [at for at, placed in enumerate(song.chords) if start - _TINY <= placed.start < stop - _TINY]


def reharmonised(song: Arrangement, chords: Mapping[int, Chord], roles: Iterable[str] = PITCHED) -> Arrangement:
    """The song with other chords, and their tones instead of those of the old ones in pitched parts.

    A note that was no chord tone stays; the bass keeps to the chord's bass; voices that are struck together go to tones
    that no other of them has, each as near as it can.

    Args:
        song: to change.
        chords: what stands instead, by the number of the chord.
        roles: of the parts that follow.
    """
    placed = tuple(p._replace(chord=chords.get(at, p.chord)) for at, p in enumerate(song.chords))

    def notes(part: Part) -> Iterator[Note]:
        for struck in strikes(part.notes):
            at = song.chord_number_at(struck[0].start + EARLY)
            if at is None or at not in chords:
                yield from struck
            else:
                yield from _refitted(struck, part.role, song.chords[at].chord, chords[at])

    return replace(with_parts(song, lambda part: list(notes(part)), roles), chords=placed)


def _refitted(struck: Sequence[Note], role: str, old: Chord, new: Chord) -> Iterator[Note]:
    tones = [note.pitch % 12 for note in struck]
    moving = [i for i, tone in enumerate(tones) if tone in old.tones and tone not in new.tones]
    free = set(new.tones) - {tone for i, tone in enumerate(tones) if i not in moving}
    pitches = [note.pitch for note in struck]
    for _, i, tone in sorted((abs(nearest(pitches[i], {t}) - pitches[i]), i, t) for i in moving for t in free):
        if i in moving and tone in free:
            pitches[i] = nearest(pitches[i], {tone})
            moving.remove(i)
            free.remove(tone)
    for i in moving:
        pitches[i] = nearest(pitches[i], new.tones)
    for note, tone, pitch in zip(struck, tones, pitches, strict=True):
        lowest = role == "bass" and tone == old.bass
        yield note._replace(pitch=nearest(note.pitch, {new.bass}) if lowest else pitch)


def nearest(pitch: int, tones: Iterable[int]) -> int:
    """The pitch nearest to one, 0..127, whose pitch class is among some; the lower of two as near."""
    allowed = set(tones)
    return min((p for p in range(128) if p % 12 in allowed), key=lambda p: (abs(p - pitch), p))


def strikes(notes: Iterable[Note]) -> list[list[Note]]:
    """Notes that are struck together, each group by pitch, in order of time."""
    groups: list[list[Note]] = []
    for note in sorted(notes):
        if groups and note.start - groups[-1][0].start < EARLY / 2:
            groups[-1].append(note)
        else:
            groups.append([note])
    return [sorted(group, key=lambda note: note.pitch) for group in groups]


def loudness(part: Part) -> float:
    """Mean velocity of its notes times the channel's volume, 0..1; 0 where it plays nothing."""
    if not part.notes:
        return 0.0
    return sum(note.velocity for note in part.notes) / len(part.notes) / 127 * part.volume / 127


def louder(part: Part, times: float) -> Part:
    """The part that many times as loud, by its velocities first, by the channel's volume where these are at their limit."""
    notes = [note._replace(velocity=velocity(note.velocity * times)) for note in part.notes]
    changed = part.with_notes(notes)
    left = loudness(part) * times / loudness(changed) if loudness(changed) else 1.0
    return replace(changed, volume=min(127, round(part.volume * left)))


def velocity(value: float) -> int:
    """A velocity within 1..127."""
    return max(1, min(127, round(value)))


def free_channel(song: Arrangement, rule: str) -> int:
    """A channel that no part has. Raises RuleBreakError."""
    taken = {part.channel for part in song.parts} | {DRUM_CHANNEL}
    for channel in range(16):
        if channel not in taken:
            return channel
    raise RuleBreakError(f"{rule} adds a part and all 15 channels are taken; leave a part out")


def cut(song: Arrangement, bar: int, metre: Metre) -> Arrangement:
    """The song without the end of a bar, which gets a shorter metre; what follows comes earlier.

    A note that begins in what is cut out is lost, one that sounds into it ends there.

    Args:
        song: to change.
        bar: by its number.
        metre: its new one, shorter than its own.
    """
    start, stop = song.bar_starts[bar] + metre.quarters, song.bar_starts[bar + 1]

    def at(place: float) -> float:
        return place if place <= start else start if place < stop - EARLY else place - (stop - start)

    def notes(part: Part) -> list[Note]:
        kept = [note for note in part.notes if not start - EARLY <= note.start < stop - EARLY]
        return [n._replace(start=at(n.start), duration=at(n.stop) - at(n.start)) for n in kept]

    chords = [(at(placed.start), at(placed.stop), placed.chord) for placed in song.chords]
    tempos = {at(tempo.start): tempo._replace(start=at(tempo.start)) for tempo in song.tempos}
    keys = {at(placed.start): placed._replace(start=at(placed.start)) for placed in song.keys}
    return replace(
        song,
        metres=(*song.metres[:bar], metre, *song.metres[bar + 1 :]),
        tempos=tuple(tempos.values()),
        chords=tuple(PlacedChord(begin, end - begin, chord) for begin, end, chord in chords if end - begin > _TINY),
        markers=tuple(marker._replace(start=at(marker.start)) for marker in song.markers),
        keys=tuple(keys.values()),
        parts=tuple(
            replace(
                part.with_notes(notes(part)),
                bends=tuple(b._replace(start=at(b.start)) for b in part.bends),
                levels=tuple(level._replace(start=at(level.start)) for level in part.levels),
            )
            for part in song.parts
        ),
    )
