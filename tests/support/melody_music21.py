"""What music21 reads in an ABC tune, for comparison."""

from __future__ import annotations


def read(text: str) -> list[tuple[int, float]]:
    """(MIDI pitch, quarters) of the sounding notes, ties joined, grace notes left out, of stacks the highest."""
    from music21 import converter

    # Without a version music21 takes version 1.3, where accidentals do not hold through the bar.
    score = converter.parse("%abc-2.1\n" + text, format="abc", forceSource=True)
    part = score.parts[0] if score.parts else score
    out: list[list] = []
    tied = False
    for element in part.flatten().notes:
        if element.duration.isGrace:
            continue
        pitch = max(p.midi for p in element.pitches)
        goes_on = element.tie is not None and element.tie.type in ("stop", "continue")
        if goes_on and tied and out and out[-1][0] == pitch:
            out[-1][1] += float(element.quarterLength)
        else:
            out.append([pitch, float(element.quarterLength)])
        tied = element.tie is not None and element.tie.type in ("start", "continue")
    return [(p, q) for p, q in out]
