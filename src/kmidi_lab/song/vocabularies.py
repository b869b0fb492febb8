"""The words of KmiDi's song intent schema 1.0.0 (MIT), declared once: what a person chooses from, and what models name.

Where a mood lies in valence and arousal follows from words of the feel lexicon (`chords/feel_lexicon.yaml`): no number
of its own stands here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from kmidi_lab.chords.asking import affect_of, lexicon

MOODS: Mapping[str, tuple[str, ...]] = {
    "Grief": ("grieving", "mournful", "sorrowful"),
    "Joy": ("joyful",),
    "Nervousness": ("nervous",),
    "Defiance": ("defiant",),
    "Liberation": ("empowering", "exhilarating", "carefree"),
    "Longing": ("longing", "yearning"),
    "Rage": ("furious",),
    "Acceptance": ("resolved", "reflective", "warm"),
    "Nostalgia": ("nostalgic",),
    "Dissociation": ("empty", "surreal", "cold"),
    "Triumphant Hope": ("triumphant", "hopeful"),
    "Bittersweet": ("bittersweet",),
    "Melancholy": ("melancholy",),
    "Euphoria": ("euphoric",),
    "Desperation": ("desperate",),
    "Serenity": ("serene",),
    "Confusion": ("unsettled", "ambiguous", "searching"),
    "Determination": ("determined",),
}
"""The 18 moods, with the words of the lexicon that mean them."""
ARCS: Mapping[str, str] = {
    "Climb-to-Climax": "it builds up to a peak",
    "Slow Reveal": "the truth comes out little by little",
    "Repetitive Despair": "it turns in circles and is stuck",
    "Static Reflection": "it stays where it is and looks",
    "Sudden Shift": "it turns all at once",
    "Descent": "it grows darker and darker",
    "Rise and Fall": "it goes up and comes down again",
    "Spiral": "it repeats, each time more intense",
}
FEELS: Mapping[str, str] = {
    "Straight/Driving": "even and pushing on",
    "Laid Back": "relaxed, a little behind the beat",
    "Swung": "long and short by turns",
    "Syncopated": "accents between the beats",
    "Rubato/Free": "free in time",
    "Mechanical": "exact as a machine",
    "Organic/Breathing": "it breathes like a person",
    "Push-Pull": "ahead of the beat and behind it",
}
VULNERABILITY: Mapping[str, str] = {"Low": "guarded", "Medium": "honest but controlled", "High": "raw and exposed"}
STAKES: Mapping[str, str] = {
    "Personal": "who I am",
    "Relational": "what binds me to others",
    "Existential": "what it all means",
    "Survival": "life and safety",
    "Creative": "what I have to say",
    "Moral": "right and wrong",
}
IMAGERY = (
    "Sharp Edges", "Muffled", "Open/Vast", "Claustrophobic", "Hazy/Dreamy", "Crystalline", "Muddy/Thick", "Sparse/Empty",
    "Chaotic", "Flowing/Liquid", "Fractured", "Warm/Enveloping", "Cold/Distant", "Blinding Light", "Deep Shadow",
)  # fmt: skip
GENRES = (
    "Cinematic Neo-Soul", "Lo-Fi Bedroom", "Industrial Pop", "Synthwave", "Confessional Acoustic", "Art Rock", "Indie Folk",
    "Post-Punk", "Chamber Pop", "Electronic", "Hip-Hop", "R&B", "Alternative", "Shoegaze", "Dream Pop",
)  # fmt: skip
RULE_BREAKS: Mapping[str, tuple[str, str]] = {
    "HARMONY_AvoidTonicResolution": ("it never comes home", "longing, grieving, unresolved"),
    "HARMONY_ParallelMotion": ("chords move as blocks, in forbidden fifths", "defiant, furious, powerful"),
    "HARMONY_ModalInterchange": ("a chord is borrowed from the other mode", "bittersweet, nostalgic, hopeful"),
    "HARMONY_TritoneSubstitution": (
        "a dominant a tritone away stands for the usual one",
        "elegant, smooth, mysterious",
    ),
    "HARMONY_Polytonality": ("two keys at once", "chaotic, surreal, uncanny"),
    "HARMONY_UnresolvedDissonance": ("tension that is never released", "grieving, longing, suspended"),
    "RHYTHM_ConstantDisplacement": ("everything a sixteenth too late", "anxious, uneasy, unsettling"),
    "RHYTHM_TempoFluctuation": ("the tempo drifts as if it breathed", "intimate, vulnerable, tender"),
    "RHYTHM_MetricModulation": ("the beat changes its length for a while", "unsettled, surreal, searching"),
    "RHYTHM_PolyrhythmicLayers": ("three against four", "restless, hypnotic, tense"),
    "RHYTHM_DroppedBeats": ("beats are missing", "tense, unsettling, urgent"),
    "ARRANGEMENT_UnbalancedDynamics": ("one player is far too loud", "unsettling, restless, intense"),
    "ARRANGEMENT_StructuralMismatch": ("what should return does not return", "defiant, rebellious, ambiguous"),
    "ARRANGEMENT_BuriedVocals": ("the voice lies below the others", "dreamy, intimate, floating"),
    "ARRANGEMENT_ExtremeDynamicRange": ("from hardly heard to as loud as can be", "cathartic, dramatic, epic"),
    "ARRANGEMENT_PrematureClimax": ("the peak comes early, the rest looks back", "reflective, resigned, pensive"),
    "PRODUCTION_ExcessiveMud": ("200 to 400 Hz pile up", "heavy, bleak, brooding"),
    "PRODUCTION_PitchImperfection": ("the voice drifts off pitch", "vulnerable, raw, heartfelt"),
    "PRODUCTION_RoomNoise": ("the room is heard", "intimate, warm, rustic"),
    "PRODUCTION_Distortion": ("it is overdriven", "aggressive, furious, intense"),
    "PRODUCTION_MonoCollapse": ("all comes from one point", "lonely, brooding, tense"),
}
"""The 21 rules to break, in four families: what is heard, and moods that it suits in words of the lexicon."""
LATER_RULE_BREAKS = (
    "PRODUCTION_LoFiDegradation", "PRODUCTION_SilenceAsInstrument", "PRODUCTION_ClippingPeaks",
    "MELODY_AvoidResolution", "MELODY_ExcessiveRepetition", "MELODY_AngularIntervals", "MELODY_AntiClimax",
    "MELODY_MonotoneDrone", "MELODY_FragmentedPhrases",
    "TEXTURE_FrequencyMasking", "TEXTURE_SparseEmptiness", "TEXTURE_DenseWall", "TEXTURE_ConflictingTimbres",
    "TEXTURE_SingleElementFocus", "TEXTURE_TimbralDrift",
    "TEMPORAL_ExtendedIntro", "TEMPORAL_AbruptEnding", "TEMPORAL_TimeStretch", "TEMPORAL_LoopHypnosis",
    "TEMPORAL_BreathPauses", "TEMPORAL_AccelerandoDecay",
)  # fmt: skip
"""Rules that KmiDi's program added after its schema: its files may name them, and nothing here does them yet."""


def mood_affect(text: str) -> tuple[float, float] | None:
    """Valence and arousal in -1..1 of a mood in a person's words; None where no word of it is known.

    The mean over the moods of `MOODS` and the words of the lexicon that stand in it. What a "no", "not", "never",
    "without", "neither" or "nor" stands before is left out.

    Args:
        text: such as `Defiance and Liberation` or `lost, searching`.
    """
    places = [_places()[match[0]] for match in _pattern().finditer(_affirmed(text))]
    if not places:
        return None
    return sum(v for v, _ in places) / len(places), sum(a for _, a in places) / len(places)


def nearest_moods(affect: tuple[float, float]) -> list[str]:
    """The 18 moods, the nearest in valence and arousal first."""
    far = {mood: sum((a - b) ** 2 for a, b in zip(affect, _places()[mood.lower()], strict=True)) for mood in MOODS}
    return sorted(MOODS, key=lambda mood: far[mood])


_NEGATED = re.compile(
    r"\b(?:no|not|never|without|isn't|don't|didn't|wasn't|can't|neither|nor)\s+(?:(?:at all|very|so|really|too|any|a|an|the)\s+)?[\w-]+"
    r"(?:\s+or\s+[\w-]+)?"
)


def _affirmed(text: str) -> str:
    return _NEGATED.sub(" ", text.lower().replace("’", "'"))


@cache
def _places() -> dict[str, tuple[float, float]]:
    moods = {mood.lower(): affect_of(words) for mood, words in MOODS.items()}
    return {**lexicon(), **{mood: affect for mood, affect in moods.items() if affect is not None}}


@cache
def _pattern() -> re.Pattern[str]:
    words = sorted(_places(), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, words))})(?![\w-])")
