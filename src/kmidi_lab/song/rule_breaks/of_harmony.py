"""The six rules of harmony: what each changes in a song."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kmidi_lab.chords.chord import MAJOR_SCALE, Chord, plain_chord
from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.elements import Note, Part
from kmidi_lab.song.rule_breaks.changing import (
    CHORDAL,
    EARLY,
    RuleBreakError,
    chords_of,
    free_channel,
    nearest,
    reharmonised,
    strikes,
    whole_sections,
    with_parts,
)

MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
TRITONE = 6
_DOMINANT, _FOURTH, _SIXTH = 7, 5, 9
_LOWEST_BLOCK = 43
"""Lowest root of a block of fifths (G2)."""
_SECOND_KEY_FROM = 72
_SOFT, _STRINGS = 52, 48


def avoid_tonic_resolution(song: Arrangement) -> Arrangement:
    """Sections that end on the tonic end on IV or VI, the song and its voice too."""
    if not song.chords:
        raise RuleBreakError("HARMONY_AvoidTonicResolution needs chords; this song has none")
    tonic, chords = song.key.tonic, {}
    for number, section in enumerate(whole_sections(song)):
        last = max(chords_of(song, section), default=-1)
        if last < 0 or song.chords[last].chord.root != tonic:
            continue
        before = song.chords[last - 1].chord if last else None
        ends = [_degree(song, _FOURTH), _degree(song, 8 if song.key.mode < 0 else _SIXTH)]
        ends = ends[::-1] if number < len(whole_sections(song)) - 1 else ends
        chords[last] = next(chord for chord in ends if before is None or chord.label != before.label)
    changed = reharmonised(song, chords)
    return with_parts(changed, lambda part: _off(part, {tonic}, changed.chords[-1].chord.tones - {tonic}), ("lead",))


def parallel_motion(song: Arrangement) -> Arrangement:
    """Chords become blocks of root, fifth and octave that move together: nothing but parallel fifths and octaves."""
    _need_chordal(song, "HARMONY_ParallelMotion")
    bare = tuple(
        p._replace(chord=Chord(p.chord.root, "major", p.chord.root, frozenset({p.chord.root, (p.chord.root + 7) % 12})))
        for p in song.chords
    )

    def blocks(part: Part) -> Iterator[Note]:
        for struck in strikes(part.notes):
            over = song.chord_at(struck[0].start + EARLY)
            if over is None:
                yield from struck
                continue
            root = _LOWEST_BLOCK + (over.chord.root - _LOWEST_BLOCK) % 12
            longest = max(struck, key=lambda note: note.duration)
            yield from (longest._replace(pitch=root + interval) for interval in (0, 7, 12))

    changed = with_parts(song, lambda part: list(blocks(part)), CHORDAL)
    return reharmonised(replace(changed, chords=song.chords), {at: p.chord for at, p in enumerate(bare)}, ("bass",))


def modal_interchange(song: Arrangement) -> Arrangement:
    """In each section the last IV is borrowed from the other mode (iv in major, IV in minor); else VI, II or V is."""
    chords = {}
    for section in whole_sections(song):
        for degree in (_FOURTH, _SIXTH if song.key.mode >= 0 else 8, 2, _DOMINANT):
            other = _borrowed(song, degree)
            own = [at for at in chords_of(song, section) if song.chords[at].chord.degree(song.key.tonic) == degree]
            if own and song.chords[own[-1]].chord.label != other.label:
                chords[own[-1]] = other
                break
    if not chords:
        raise RuleBreakError("HARMONY_ModalInterchange needs a chord on the second, fourth, fifth or sixth degree")
    return reharmonised(song, chords)


def tritone_substitution(song: Arrangement) -> Arrangement:
    """Each dominant gives way to the dominant seventh a tritone from it, which shares its third and seventh."""
    chords = {}
    for at, placed in enumerate(song.chords):
        chord, after = placed.chord, song.chords[at + 1].chord if at + 1 < len(song.chords) else None
        falls = after is not None and (after.root - chord.root) % 12 == _FOURTH
        on_fifth = chord.degree(song.key.tonic) == _DOMINANT and chord.quality in ("major", "dom7")
        if on_fifth or (chord.quality == "dom7" and falls):
            chords[at] = plain_chord(chord.root + TRITONE, "dom7")
    if not chords:
        raise RuleBreakError("HARMONY_TritoneSubstitution needs a dominant, such as G7 in C; this song has none")
    return reharmonised(song, chords)


def polytonality(song: Arrangement) -> Arrangement:
    """A part of its own plays each chord's triad a tritone away, in the key that is farthest from the song's."""
    if not song.chords:
        raise RuleBreakError("HARMONY_Polytonality needs chords; this song has none")
    notes = []
    for placed in song.chords:
        quality = "minor" if placed.chord.quality in ("minor", "min7", "dim", "dim7") else "major"
        for tone in plain_chord(placed.chord.root + TRITONE, quality).tones:
            notes.append(Note(placed.start, placed.length, _SECOND_KEY_FROM + (tone - _SECOND_KEY_FROM) % 12, _SOFT))
    channel = free_channel(song, "HARMONY_Polytonality")
    return replace(song, parts=(*song.parts, Part("Second key", "pad", _STRINGS, channel).with_notes(notes)))


def unresolved_dissonance(song: Arrangement) -> Arrangement:
    """Every chord gets a seventh, and a ninth where that is in the key, the last one too; the voice ends on its seventh."""
    _need_chordal(song, "HARMONY_UnresolvedDissonance")
    chords = {at: _with_seventh(song, placed.chord) for at, placed in enumerate(song.chords)}

    def tense(part: Part) -> Iterator[Note]:
        for struck in strikes(part.notes):
            yield from struck
            over = song.chord_number_at(struck[0].start + EARLY)
            highest = struck[-1]
            for tone in chords[over].tones - {note.pitch % 12 for note in struck} if over is not None else ():
                above = highest.pitch + (tone - highest.pitch) % 12
                yield highest._replace(pitch=above if above < 128 else above - 12)

    last = chords[len(song.chords) - 1]
    changed = with_parts(song, lambda part: list(tense(part)), CHORDAL)
    ended = with_parts(changed, lambda part: _off(part, None, {_seventh(last)}), ("lead",))
    return replace(ended, chords=tuple(p._replace(chord=chords[at]) for at, p in enumerate(song.chords)))


def _need_chordal(song: Arrangement, rule: str) -> None:
    if not song.chords or not any(part.role in CHORDAL and part.notes for part in song.parts):
        raise RuleBreakError(f"{rule} needs chords, and a part with the role comp or pad that plays them")


def _degree(song: Arrangement, degree: int) -> Chord:
    """The triad of the key on a degree."""
    third = 4 if (degree + 4) % 12 in _scale(song) else 3
    return plain_chord(song.key.tonic + degree, "major" if third == 4 else "minor")


def _scale(song: Arrangement) -> tuple[int, ...]:
    """Semitones above the tonic."""
    return MINOR_SCALE if song.key.mode < 0 else MAJOR_SCALE


def _borrowed(song: Arrangement, degree: int) -> Chord:
    """The chord that the parallel key has instead of the one on a degree."""
    tonic = song.key.tonic
    if song.key.mode < 0:  # IV; VI becomes vi; II; V
        root, quality = {5: (5, "major"), 8: (9, "minor"), 2: (2, "minor"), 7: (7, "major")}[degree]
    else:  # iv; bVI; ii dim; v
        root, quality = {5: (5, "minor"), 9: (8, "major"), 2: (2, "dim"), 7: (7, "minor")}[degree]
    return plain_chord(tonic + root, quality)


def _with_seventh(song: Arrangement, chord: Chord) -> Chord:
    on_fifth = chord.degree(song.key.tonic) == _DOMINANT
    quality = {"major": "dom7" if on_fifth else "maj7", "minor": "min7", "dim": "dim7"}.get(
        chord.quality, chord.quality
    )
    tones = plain_chord(chord.root, quality).tones | chord.tones
    if (chord.degree(song.key.tonic) + 2) % 12 in _scale(song) or quality == "aug":
        tones |= {(chord.root + 2) % 12}
    return Chord(chord.root, quality, chord.bass, tones)


def _seventh(chord: Chord) -> int:
    """The seventh of a chord, or its ninth where it has none."""
    return next((chord.root + i) % 12 for i in (11, 10, 9, 2) if (chord.root + i) % 12 in chord.tones)


def _off(part: Part, leave: set[int] | None, tones: frozenset[int] | set[int]) -> list[Note]:
    """Its notes, the last one on a tone of `tones` where it stands on one of `leave`, or anywhere if None."""
    if not part.notes or (leave is not None and part.notes[-1].pitch % 12 not in leave):
        return list(part.notes)
    last = part.notes[-1]
    return [*part.notes[:-1], last._replace(pitch=nearest(last.pitch, tones))]
