"""Small files in the published layouts of GoEmotions, EmoBank, ISEAR and XED."""

from __future__ import annotations

from pathlib import Path

_FEELINGS = ("joy", "sadness", "anger", "fear", "surprise", "disgust", "neutral")
_FINE = {"joy": 17, "sadness": 25, "anger": 2, "fear": 14, "surprise": 26, "disgust": 11, "neutral": 27}
_ORDER = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
_SUBJECTS = ("my song", "the show", "our band", "this tune", "that night", "the record")


def write(root: Path, texts: int = 60) -> None:
    """`texts` comments in train and a third as many in dev; one of dev stands in train, too, in other marks and
    letters.
    """
    for part, count in (("train", texts), ("dev", texts // 3)):
        rows = []
        for at in range(count):
            name = _FEELINGS[at % len(_FEELINGS)]
            rows.append((f"{part} {at}: {name} about {_SUBJECTS[at % len(_SUBJECTS)]}", name, f"{part}{at}"))
        if part == "train":
            rows.append(("DEV 1: sadness about the show", "sadness", "copy"))
            rows[-1] = (rows[-1][0].replace("DEV 1", "dev 1"), *rows[-1][1:])
        for view in ("ekman", "original"):
            folder = root / "goemotions" / view
            folder.mkdir(parents=True, exist_ok=True)
            numbers = {name: _ORDER.index(name) if view == "ekman" else _FINE[name] for name in _FEELINGS}
            lines = [f"{text}\t{numbers[name]}\t{key}" for text, name, key in rows]
            (folder / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (root / "goemotions" / "ekman" / "labels.txt").write_text("\n".join(_ORDER))
    (root / "emobank").mkdir()
    rated = [f'{n},{"train" if n % 4 else "dev"},{3 + n % 3 * 0.5},{3.1},2.9,"rated, number {n}"' for n in range(texts)]
    (root / "emobank" / "emobank.csv").write_text("\n".join(["id,split,V,A,D,text", *rated, "x,train,?,3,3,broken"]))
    (root / "isear").mkdir()
    told = ["Field1|SIT", "joy|When I \xe1 passed.", "guilt|[ No response.]", "shame|I broke a promise"]
    (root / "isear" / "isear.csv").write_text("\n".join(told), encoding="latin-1")
    (root / "xed").mkdir()
    (root / "xed" / "en-annotated.tsv").write_text("And so will you .\t1, 2\nno label\n", encoding="utf-8")
    (root / "xed" / "neu_en.txt").write_text("9\tTwo pair 10s and sixes.\n", encoding="utf-8")
