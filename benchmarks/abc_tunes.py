"""How many tunes in ABC our reader reads as music21 does.

    python benchmarks/abc_tunes.py

Tunes are drawn from each book inside the installed music21. Bowing marks, staccato and slurs are taken out of them
first: music21 loses broken rhythms beside them. Grace notes are left out, ties joined, of stacks the highest is taken.
"""

from __future__ import annotations

import argparse
import random
import re

from datamodules.melody import tune_books
from datamodules.melody.abc import read_tune, tunes
from datamodules.melody.abc_fields import AbcError

Notes = list[tuple[int, float]]


def sample(each: int, seed: int) -> list[tuple[str, str]]:
    """Book and text of tunes, so many of each book."""
    rng = random.Random(seed)
    return [(book, _plain(text)) for book in tune_books.FOLDERS for text in rng.sample(_all(book), each)]


def _all(book: str) -> list[str]:
    texts = (tune_books.without_mail_marks(path.read_text(encoding="utf-8")) for path in tune_books.files(book))
    parts = (part for text in texts for part in re.split(r"(?m)^(?=X:)", text))
    return [part for part in parts if part.startswith("X:") and re.search(r"(?m)^K:", part)]


def _plain(text: str) -> str:
    head, key, body = re.split(r"(?m)^(K:.*)$", text, maxsplit=1)
    body = re.sub(r'"[^"\n]*"|\((?!\d)|\)', "", body)
    return head + key + re.sub(r"[.uv~`HJLMOPRST]|\\\n", "", body)


def ours(text: str) -> Notes | None:
    """(MIDI pitch, quarters) of each note; None where it is refused."""
    fields, body = next(tunes(text))
    try:
        melody = read_tune(fields, body, "x", "x")
    except AbcError:
        return None
    return list(zip(melody.pitch.tolist(), melody.duration.tolist(), strict=True))


def music21s(text: str) -> Notes:
    """The same as music21 reads it."""
    from music21 import converter

    # Without a version music21 takes version 1.3, where accidentals do not hold through the bar.
    score = converter.parse("%abc-2.1\n" + text, format="abc", forceSource=True)
    part = score.parts[0] if score.parts else score
    out: Notes = []
    tied = False
    for element in part.flatten().notes:
        if element.duration.isGrace:
            continue
        pitch, length = max(p.midi for p in element.pitches), float(element.quarterLength)
        goes_on = element.tie is not None and element.tie.type in ("stop", "continue")
        if goes_on and tied and out and out[-1][0] == pitch:
            out[-1] = (pitch, out[-1][1] + length)
        else:
            out.append((pitch, length))
        tied = element.tie is not None and element.tie.type in ("start", "continue")
    return out


def alike(a: Notes | None, b: Notes) -> bool:
    """The same pitches, and lengths within a thousandth of a quarter."""
    return (
        a is not None
        and [pitch for pitch, _ in a] == [pitch for pitch, _ in b]
        and all(abs(x - y) < 1e-3 for (_, x), (_, y) in zip(a, b, strict=True))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=25, help="tunes of each book")
    parser.add_argument("--seed", type=int, default=6)
    settings = parser.parse_args()
    found = [(book, text, alike(ours(text), music21s(text))) for book, text in sample(settings.each, settings.seed)]
    for book in tune_books.FOLDERS:
        own = [same for name, _, same in found if name == book]
        print(f"{book}: {sum(own)} of {len(own)}")
    for book, text, same in found:
        if not same:
            print(f"\nnot alike, of {book}:\n{text}")
    print(f"all: {sum(same for *_, same in found)} of {len(found)}")


if __name__ == "__main__":
    main()
