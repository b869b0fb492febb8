"""What the lab proposes for each question, and its choices in order: by rules from what is known, the same each time.

Arcs lead to rhythms, and images to genres, as in KmiDi's song intent program (MIT). All else follows from valence and
arousal of the mood, or of what the person has said so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kmidi_lab.song import vocabularies as words
from kmidi_lab.song.intent import SongIntent
from kmidi_lab.song.rule_breaks.refused import REFUSED
from kmidi_lab.song.vocabularies import mood_affect, nearest_moods

Choices = list[tuple[object, str]]
_ARC_FEELS: Mapping[str, tuple[str, ...]] = {
    "Climb-to-Climax": ("Straight/Driving", "Push-Pull", "Organic/Breathing"),
    "Slow Reveal": ("Laid Back", "Organic/Breathing", "Rubato/Free"),
    "Repetitive Despair": ("Mechanical", "Straight/Driving", "Syncopated"),
    "Static Reflection": ("Rubato/Free", "Laid Back", "Organic/Breathing"),
    "Sudden Shift": ("Straight/Driving", "Push-Pull", "Mechanical"),
    "Descent": ("Laid Back", "Rubato/Free", "Organic/Breathing"),
    "Rise and Fall": ("Push-Pull", "Straight/Driving", "Organic/Breathing"),
    "Spiral": ("Mechanical", "Syncopated", "Straight/Driving"),
}
_IMAGE_GENRES: Mapping[str, tuple[str, ...]] = {
    "Sharp Edges": ("Industrial Pop", "Post-Punk", "Art Rock"),
    "Muffled": ("Lo-Fi Bedroom", "Confessional Acoustic", "Shoegaze"),
    "Open/Vast": ("Cinematic Neo-Soul", "Dream Pop", "Electronic"),
    "Claustrophobic": ("Industrial Pop", "Post-Punk", "Alternative"),
    "Hazy/Dreamy": ("Dream Pop", "Shoegaze", "Lo-Fi Bedroom"),
    "Crystalline": ("Cinematic Neo-Soul", "Chamber Pop", "Art Rock"),
    "Muddy/Thick": ("Lo-Fi Bedroom", "Alternative", "Indie Folk"),
    "Sparse/Empty": ("Confessional Acoustic", "Indie Folk", "Lo-Fi Bedroom"),
    "Chaotic": ("Industrial Pop", "Post-Punk", "Electronic"),
    "Flowing/Liquid": ("Dream Pop", "Shoegaze", "Cinematic Neo-Soul"),
    "Fractured": ("Post-Punk", "Art Rock", "Alternative"),
    "Warm/Enveloping": ("Chamber Pop", "Indie Folk", "R&B"),
    "Cold/Distant": ("Synthwave", "Electronic", "Shoegaze"),
    "Blinding Light": ("Cinematic Neo-Soul", "Electronic"),
    "Deep Shadow": ("Lo-Fi Bedroom", "Shoegaze", "Alternative"),
}
_QUADRANTS: Mapping[tuple[bool, bool], tuple[str, str, str]] = {
    (True, True): ("Climb-to-Climax", "Medium", "Open/Vast"),
    (True, False): ("Static Reflection", "Medium", "Warm/Enveloping"),
    (False, True): ("Spiral", "Low", "Sharp Edges"),
    (False, False): ("Slow Reveal", "High", "Muffled"),
}
"""(pleasant, lively): arc, vulnerability, image."""
_MODES = {
    "major": "bright and settled",
    "minor": "dark and serious",
    "dorian": "dark with hope in it",
    "mixolydian": "bright and earthy",
    "lydian": "bright and floating",
    "phrygian": "dark and pressing",
    "locrian": "without a hold",
}
_WHITE_TONICS = {
    "major": "C", "ionian": "C", "dorian": "D", "phrygian": "E", "lydian": "F", "mixolydian": "G", "minor": "A", "aeolian": "A",
    "locrian": "B",
}  # fmt: skip
_TEMPOS = {
    (50.0, 66.0): "very slow",
    (66.0, 84.0): "slow",
    (84.0, 104.0): "walking",
    (104.0, 126.0): "lively",
    (126.0, 150.0): "fast",
    (150.0, 180.0): "very fast",
}
_TENSIONS = {0.0: "none", 0.25: "a little", 0.5: "balanced", 0.75: "much", 1.0: "it tears"}
_NEUTRAL = (0.0, 0.0)
_SAID = ("core_transformation", "core_longing", "core_event")


def affect(song: SongIntent) -> tuple[float, float] | None:
    """Of the mood, or else of what was said at the root, what is longed for first; None where neither is known."""
    said = (mood_affect(song.get(field)) for field in _SAID)
    return song.affect or next((place for place in said if place is not None), None)


def moods(song: SongIntent) -> Choices:
    """All 18, the nearest to what was said first."""
    place = affect(song)
    names = nearest_moods(place) if place else list(words.MOODS)
    return [(name, ", ".join(words.MOODS[name])) for name in names]


def mood(song: SongIntent) -> str | None:
    """The nearest of the 18 to what was said."""
    place = affect(song)
    return nearest_moods(place)[0] if place else None


def stakes(song: SongIntent) -> Choices:
    return list(words.STAKES.items())


def tensions(song: SongIntent) -> Choices:
    return _first(tension(song), _TENSIONS.items())


def tension(song: SongIntent) -> float:
    """More for what is lively and unpleasant: the choice nearest to 0.4 + 0.3 arousal - 0.3 valence."""
    valence, arousal = affect(song) or _NEUTRAL
    return min(_TENSIONS, key=lambda choice: abs(choice - (0.4 + 0.3 * arousal - 0.3 * valence)))


def arc(song: SongIntent) -> str:
    return _quadrant(song)[0]


def arcs(song: SongIntent) -> Choices:
    return _first(arc(song), words.ARCS.items())


def vulnerability(song: SongIntent) -> str:
    return _quadrant(song)[1]


def vulnerabilities(song: SongIntent) -> Choices:
    return _first(vulnerability(song), words.VULNERABILITY.items())


def image(song: SongIntent) -> str:
    return _quadrant(song)[2]


def images(song: SongIntent) -> Choices:
    return _first(image(song), ((name, "") for name in words.IMAGERY))


def rules(song: SongIntent) -> Choices:
    """Those that MIDI can hold, what suits the mood first."""
    place = affect(song)
    names = [name for name in words.RULE_BREAKS if name not in REFUSED]
    if place is not None:
        names.sort(key=lambda name: _distance(place, mood_affect(words.RULE_BREAKS[name][1]) or _NEUTRAL))
    return [(name, words.RULE_BREAKS[name][0]) for name in names]


def rule(song: SongIntent) -> str | None:
    """The one that suits the mood best; None without a mood."""
    return str(rules(song)[0][0]) if affect(song) else None


def feel(song: SongIntent) -> str:
    return _ARC_FEELS[song.intent.narrative_arc or arc(song)][0]


def feels(song: SongIntent) -> Choices:
    names = _ARC_FEELS[song.intent.narrative_arc or arc(song)]
    return sorted(words.FEELS.items(), key=lambda item: names.index(item[0]) if item[0] in names else len(names))


def genre(song: SongIntent) -> str:
    return _genres(song)[0]


def genres(song: SongIntent) -> Choices:
    names = _genres(song)
    return [(name, "") for name in sorted(words.GENRES, key=lambda g: names.index(g) if g in names else len(names))]


def tempo(song: SongIntent) -> tuple[float, float]:
    """The range in which 100 and 45 for each unit of arousal lies."""
    _, arousal = affect(song) or _NEUTRAL
    wanted = 100 + 45 * arousal
    return next((pair for pair in _TEMPOS if wanted < pair[1]), max(_TEMPOS))


def tempos(song: SongIntent) -> Choices:
    return _first(tempo(song), _TEMPOS.items())


def mode(song: SongIntent) -> str:
    """Major for what is pleasant, minor for what is not, dorian between."""
    valence, _ = affect(song) or _NEUTRAL
    return "major" if valence >= 0.1 or not affect(song) else "minor" if valence < -0.1 else "dorian"


def modes(song: SongIntent) -> Choices:
    return _first(mode(song), _MODES.items())


def key(song: SongIntent) -> str:
    """The tonic that leaves all notes of the mode on white keys."""
    return _WHITE_TONICS.get(song.mode or mode(song), "C")


def _quadrant(song: SongIntent) -> tuple[str, str, str]:
    valence, arousal = affect(song) or _NEUTRAL
    return _QUADRANTS[valence >= 0, arousal >= 0.1]


def _genres(song: SongIntent) -> tuple[str, ...]:
    said = song.intent.imagery_texture.lower()
    return next((names for name, names in _IMAGE_GENRES.items() if name.lower() in said), _IMAGE_GENRES[image(song)])


def _first(value: object, items: Iterable[tuple[object, str]]) -> Choices:
    return sorted(items, key=lambda item: item[0] != value)


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2
