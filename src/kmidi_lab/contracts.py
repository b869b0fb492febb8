"""The model contract: ids, sizes, named slices, budgets and state of the models.

This module is the only place where a size or an index of a model's input or output is written
down. Data modules, networks, exporters, cards and the documentation read it. It imports nothing
heavy, so that `--help` can use it. A contract that has changed keeps its earlier versions (`Contract.earlier`), for models
that were made for them.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from kmidi_lab.contract_features import (
    AUDIO_FEATURES,
    LEVEL_FEATURES,
    SPEAKER_FEATURES,
    SYMBOLIC_FEATURES,
    SYMBOLIC_FEATURES_2,
    TEXT_FEATURES,
)
from kmidi_lab.contract_types import (
    ADAPTED_MEL,
    CIRCLE,
    KEY,
    LOG_MEL,
    MOOD,
    ONE_HOT,
    SIGNED,
    TWICE,
    TWICE_UNIT,
    UNIT,
    WEIGHTED,
    slices,
    with_meaning,
)
from kmidi_lab.contract_types import Contract as Contract
from kmidi_lab.contract_types import Slice as Slice
from kmidi_lab.contract_types import Values as Values
from kmidi_lab.errors import ConfigError

READER_OUTPUT_LIMIT = 128
"""KmiDi's inference service keeps this many floats of an output; wide models put the rest last."""

_MEL_FRAME = slices(("mel", 128, "one mel128-v1 frame: natural log of 128 mel bands, 16 ms hop", LOG_MEL))
_MOOD = ("mood", 4, "valence, arousal, dominance in -1..1, complexity in 0..1; zeros are neutral", MOOD)
_EMBEDDING = (
    ("valence", 16, "valence block; read as tanh(sum / 8), -1..1"),
    ("arousal", 16, "arousal block; read as tanh(sum / 8), -1..1"),
    ("dominance", 16, "dominance block; read as tanh(sum / 8), -1..1"),
    ("complexity", 16, "complexity block; read as mean |x|, at most 1"),
)

_EMOTION_1 = Contract(
    model="emotion",
    id="emotionrecognizer",
    task="emotion_embedding",
    inputs=_MEL_FRAME,
    outputs=slices(*_EMBEDDING),
    budget_ms=5.0,
    params_hint="~500K",
    network="causal CNN",
    state="one audio frame a call",
    features=AUDIO_FEATURES,
    output_kind="embedding",
    head=True,
)
EMOTION = replace(
    _EMOTION_1,
    version="2",
    features=SPEAKER_FEATURES,
    inputs=slices(
        (
            "mel",
            128,
            "one mel128-v2-speaker frame: a mel128-v1 frame less the running means of its level and shape over speech",
            ADAPTED_MEL,
        )
    ),
    earlier=(_EMOTION_1,),
)

_MELODY_CONTEXT = (
    ("chord", 12, "chroma of the current chord", UNIT),
    ("key", 3, "tonic as sin, cos on the circle of fifths; mode +1 major, -1 minor", KEY),
    ("mood", 3, "valence, arousal in -1..1, complexity in 0..1; zeros are neutral", MOOD),
)
_MELODY_1 = Contract(
    model="melody",
    id="melodytransformer",
    task="melody_generation",
    inputs=slices(
        ("previous_pitch_class", 12, "pitch class of the previous note, one-hot", ONE_HOT),
        ("previous_octave", 8, "MIDI octave 1..8 of the previous note, one-hot", ONE_HOT),
        ("rest_before", 1, "1 when a rest precedes the coming note", UNIT),
        ("phrase_start", 1, "1 when the coming note starts a phrase", UNIT),
        ("previous_duration", 8, "duration class: 1/16 1/8 1/8. 1/4 1/4. 1/2 1/2. whole+", ONE_HOT),
        ("next_position", 8, "metrical position of the coming note in the bar, 8 classes", ONE_HOT),
        ("next_duration", 8, "duration class of the coming note", ONE_HOT),
        *_MELODY_CONTEXT,
    ),
    outputs=slices(("pitch", 128, "probability of each MIDI pitch for the coming note")),
    budget_ms=5.0,
    params_hint="~400K",
    network="causal transformer (ONNX), recurrent student (RTNeural)",
    state="one note a call",
    features=SYMBOLIC_FEATURES,
    output_kind="probabilities",
)
MELODY = replace(
    _MELODY_1,
    version="2",
    features=SYMBOLIC_FEATURES_2,
    inputs=slices(
        ("previous_pitch_class", 12, "pitch class of the previous note, one-hot", ONE_HOT),
        ("previous_octave", 1, "(MIDI octave of the previous note - 4) / 4, octaves 1..8", Values("range", -0.75, 1.0)),
        ("rest_before", 1, "1 when a rest precedes the coming note", UNIT),
        ("phrase_start", 1, "1 when the coming note starts a phrase", UNIT),
        (
            "previous_duration",
            1,
            "log2 of the previous note's duration in quarters / 3, by class",
            Values("range", -0.7, 0.7),
        ),
        ("previous_dotted", 1, "1 when the previous note's duration class is dotted", UNIT),
        ("next_position", 8, "metrical position of the coming note in the bar, 8 classes", ONE_HOT),
        ("next_duration", 8, "duration class of the coming note: 1/16 1/8 1/8. 1/4 1/4. 1/2 1/2. whole+", ONE_HOT),
        (
            "recalled_pitch_class",
            12,
            "of the note that most often followed the longest match of up to eight notes in this piece; holds match / 8",
            WEIGHTED,
        ),
        (
            "recalled_octave",
            1,
            "octave of the recalled note less that of the previous note",
            Values("range", -3.0, 3.0),
        ),
        *_MELODY_CONTEXT,
    ),
    earlier=(_MELODY_1,),
)

_HARMONY_1 = Contract(
    model="harmony",
    id="harmonypredictor",
    task="harmony_prediction",
    inputs=slices(
        (
            "emotion",
            64,
            "emotion embedding (valence, arousal, dominance, complexity); zeros when unknown",
            TWICE,
        ),
        ("previous_chords", 36, "previous three chords, oldest first, 12 chroma each: root 1.0, chord tones 0.5", UNIT),
        ("recalled_chord", 12, "chroma of the chord that followed the last time the same chords stood in a row", UNIT),
        ("key_tonic", 12, "tonic pitch class, one-hot", ONE_HOT),
        ("mode", 1, "+1 major, -1 minor, 0 unknown", SIGNED),
        ("phrase_position", 2, "sin, cos of the position in the phrase", CIRCLE),
        ("last_duration", 1, "duration of the last chord in bars, clipped to 4, divided by 4", UNIT),
    ),
    outputs=slices(
        ("root", 12, "root pitch-class logits"),
        ("quality", 8, "quality logits: major minor dim aug dom7 maj7 min7 dim7"),
        ("bass", 12, "bass pitch-class logits"),
        ("voice_leading", 4, "motion of soprano, alto, tenor, bass in semitones"),
        ("chord_embedding", 28, "embedding; head.json maps it to 12 degrees x 8 qualities"),
    ),
    budget_ms=3.0,
    params_hint="~100K",
    network="MLP",
    state="none",
    features=SYMBOLIC_FEATURES,
    output_kind="logits",
    head=True,
)
HARMONY = replace(
    _HARMONY_1,
    version="2",
    features=SYMBOLIC_FEATURES_2,
    inputs=with_meaning(
        _HARMONY_1.inputs,
        recalled_chord="chroma of the chord that most often followed the longest match of up to eight chords in this song",
    ),
    earlier=(_HARMONY_1,),
)

_DYNAMICS_1 = Contract(
    model="dynamics",
    id="dynamicsengine",
    task="dynamics_mapping",
    inputs=slices(
        ("emotion", 4, "valence, arousal, dominance in -1..1, complexity in 0..1; zeros are neutral", MOOD),
        ("pitch", 1, "MIDI pitch / 127", UNIT),
        ("interval", 1, "interval from the previous note / 12", TWICE),
        ("duration", 1, "log2 of the duration in beats / 4", SIGNED),
        ("inter_onset", 2, "log2 inter-onset interval before and after / 4", SIGNED),
        ("beat_phase", 2, "sin, cos", CIRCLE),
        ("phrase_phase", 2, "sin, cos", CIRCLE),
        ("position", 2, "position in the phrase and in the piece, 0..1", UNIT),
        ("tempo", 1, "(bpm - 120) / 60", Values("range", -2.0, 4.0)),
        ("metre", 1, "beats per bar / 8", Values("range", 0.0, 2.0)),
        ("previous_velocities", 4, "the four previous velocities / 127", UNIT),
        ("local_peak", 1, "1 at a local pitch peak", UNIT),
        ("top_voice", 1, "1 for the top voice", UNIT),
        ("bass_voice", 1, "1 for the bass voice", UNIT),
        ("polyphony", 1, "number of sounding notes / 10", Values("range", 0.0, 2.0)),
        ("metrical_strength", 1, "0..1", UNIT),
        ("contour", 6, "three intervals before and three after / 12", TWICE),
    ),
    outputs=slices(
        ("velocity", 1, "velocity of this note, 0..1"),
        ("velocity_curve", 7, "velocity over the next seven notes, 0..1"),
        ("attack", 1, "attack emphasis, 0..1"),
        ("release", 1, "articulation: sounding / notated duration, 1 = legato"),
        ("dynamic_range", 1, "dynamic range of the phrase, 0..1"),
        ("compression", 1, "0..1"),
        ("timing", 1, "0.5 = on the grid, +-50 ms full scale"),
        ("pedal", 1, "pedal or legato overlap, 0..1"),
        ("reserved", 2, "zero"),
    ),
    budget_ms=1.0,
    params_hint="~20K",
    network="small MLP",
    state="none",
    features=SYMBOLIC_FEATURES,
    output_kind="values",
)
DYNAMICS = replace(
    _DYNAMICS_1,
    version="2",
    features=SYMBOLIC_FEATURES_2,
    inputs=tuple(
        replace(s, name="written_dynamic", meaning="dynamic that the score writes, as a MIDI velocity / 127; 0 unknown")
        if s.name == "metrical_strength"
        else s
        for s in _DYNAMICS_1.inputs
    ),
    earlier=(_DYNAMICS_1,),
)

GROOVE = Contract(
    model="groove",
    id="groovepredictor",
    task="groove_prediction",
    inputs=slices(
        ("onsets", 48, "16 steps x (low/kick, mid/snare, high/hat) onset strength 0..1, step-major", UNIT),
        ("style", 8, "straight swing shuffle laid_back pushed funk jazz latin, one-hot", ONE_HOT),
        ("tempo", 1, "(bpm - 120) / 60", Values("range", -2.0, 4.0)),
        ("swing", 1, "0..1", UNIT),
        _MOOD,
        ("phrase_position", 2, "bar in phrase: sin, cos", CIRCLE),
    ),
    outputs=slices(
        ("timing", 16, "timing offset of each sixteenth, -1..1 (x60 ticks at 480 PPQ)"),
        ("velocity", 16, "velocity of each sixteenth, 0..1"),
    ),
    budget_ms=2.0,
    params_hint="~25K",
    network="small RNN",
    state="one bar a call",
    features=SYMBOLIC_FEATURES,
    output_kind="values",
)

_INSTRUMENT_1 = Contract(
    model="instrument",
    id="instrumentrecognizer",
    task="dual_instrument_recognition",
    inputs=_MEL_FRAME,
    outputs=slices(
        ("family", 16, "instrument family"),
        ("instrument", 32, "instrument"),
        ("technique", 16, "playing technique"),
        ("articulation", 8, "articulation"),
        ("register", 4, "bass low_mid high_mid treble"),
        ("brightness", 4, "brightness"),
        ("expression_style", 12, "expression style"),
        ("energy", 8, "energy, ordinal"),
        ("role", 8, "musical role"),
        ("valence", 8, "valence, mean over the slice"),
        ("arousal", 8, "arousal, mean over the slice"),
        ("dynamic_range", 4, "dynamic range, ordinal"),
        ("human_feel", 8, "human feel"),
        ("vibrato", 4, "vibrato, ordinal"),
        ("attack", 8, "attack"),
        ("sustain", 8, "sustain"),
        ("genre_feel", 4, "classical jazz rock electronic"),
    ),
    budget_ms=10.0,
    params_hint="~2M",
    network="causal CNN, two heads of 80",
    state="one audio frame a call",
    features=AUDIO_FEATURES,
    output_kind="logits",
)
INSTRUMENT = replace(
    _INSTRUMENT_1,
    version="2",
    features=LEVEL_FEATURES,
    inputs=slices(
        ("mel", 128, "one mel128-v2 frame: a mel128-v1 frame less the running mean of the level", ADAPTED_MEL)
    ),
    earlier=(_INSTRUMENT_1,),
)

_EMOTION_NODE_1 = Contract(
    model="emotion_node",
    id="emotionnodeclassifier",
    task="emotion_node_classification",
    inputs=_MEL_FRAME,
    outputs=slices(
        ("base", 6, "HAPPY SAD ANGRY FEAR SURPRISE DISGUST"),
        ("sub", 6, "sub-emotion within the base"),
        ("intensity", 6, "subtle mild moderate strong intense overwhelming"),
        ("key", 24, "2 x tonic + mode"),
        ("node", 216, "base x 36 + sub x 6 + leaf"),
    ),
    budget_ms=15.0,
    params_hint="~3M",
    network="causal CNN, five heads",
    state="one audio frame a call",
    features=AUDIO_FEATURES,
    output_kind="logits",
)

EMOTION_NODE = replace(
    _EMOTION_NODE_1,
    version="2",
    features=LEVEL_FEATURES,
    inputs=INSTRUMENT.inputs,
    earlier=(_EMOTION_NODE_1,),
)

STRUCTURE = Contract(
    model="structure",
    id="structurepredictor",
    task="custom",
    inputs=slices(
        ("previous_sections", 24, "types of the last two sections, oldest first, 12 one-hot each", UNIT),
        (
            "recalled_section",
            12,
            "type that most often followed the longest match of up to eight sections in this song; holds match / 8",
            WEIGHTED,
        ),
        ("counts", 11, "sections of each type so far / 4, without silence", TWICE_UNIT),
        ("last_length", 1, "bars of the last section / 32, at most 1; 0 unknown", UNIT),
        ("position", 1, "time since the song began / 4 min, at most 2", TWICE_UNIT),
        ("target", 1, "length that the song shall have / 4 min, at most 2; 0 unknown", TWICE_UNIT),
        ("arc", 8, "narrative arc, one-hot; no data hold arcs, so the head file's rule follows it", ONE_HOT),
        _MOOD,
        ("tempo", 1, "(quarter notes a minute - 120) / 60; 0 where unknown", Values("range", -2.0, 4.0)),
        ("metre", 1, "quarter notes of a bar / 8; 0 unknown", TWICE_UNIT),
    ),
    outputs=slices(
        (
            "section",
            13,
            "logits of the next section: intro verse pre-chorus chorus bridge solo breakdown build-up drop outro other "
            "silence, END",
        ),
        ("length", 8, "logits of its length in bars, 2 4 8 12 16 24 32 other; the head file adds a row for each type"),
        ("energy", 1, "expected energy by the rule of the head file, 0..1"),
        ("density", 1, "expected density by the rule of the head file, 0..1"),
        ("tension", 1, "expected tension by the rule of the head file, 0..1"),
        ("reserved", 8, "zero"),
    ),
    budget_ms=1.0,
    params_hint="~30K",
    network="small MLP",
    state="none",
    features=SYMBOLIC_FEATURES,
    output_kind="logits",
    head=True,
)

INTENT = Contract(
    model="intent",
    id="intentclassifier",
    task="intent_mapping",
    inputs=slices(("text", 128, "text128-v1: mean of the table's rows of a text's pieces, of length 1", SIGNED)),
    outputs=slices(*_EMBEDDING),
    budget_ms=5.0,
    params_hint="~100K and a table",
    network="MLP on text vectors",
    state="none",
    features=TEXT_FEATURES,
    output_kind="embedding",
    head=True,
)

FEEL = Contract(
    model="feel",
    id="audiofeelanalyzer",
    task="audio_classification",
    inputs=INSTRUMENT.inputs,
    outputs=slices(
        ("tempo", 32, "logits of the tempo; bin i is 50 x (220 / 50) ** (i / 31) quarter notes a minute"),
        ("beat", 1, "logit that a beat fell about 16 ms before the middle of this frame"),
        ("downbeat", 1, "logit that the first beat of a bar fell there"),
        ("onsets", 3, "logits that something was struck there: low, mid, high"),
        ("swing", 1, "0 even eighths, 1 triplets"),
        ("regularity", 1, "how closely the onsets lie on a grid of four or three a beat, 0..1"),
        ("energy", 1, "how much is struck and how hard, over the last 4 s, 0..1"),
        ("dynamic_range", 1, "4 x the standard deviation of the strokes' velocity / 127, 0..1"),
        ("density", 1, "onsets a second over the last 4 s / 12, 0..1"),
        ("brightness", 1, "mean band of the spectrum's power over the last 4 s, 0..1"),
        ("flatness", 1, "how even the spectrum is: 1 noise, 0 a tone"),
        ("percussive_share", 1, "of drums in what is struck, 0..1"),
        ("voices", 1, "pitches that sound together / 8, 0..1"),
        ("roughness", 1, "share of seconds and tritones among the intervals that sound together, 0..1"),
        ("register", 1, "mean pitch / 127"),
        ("register_width", 1, "from the lowest tenth of the pitches to the highest / 60, 0..1"),
        ("articulation", 1, "sounding share of the time from one note to the next, 1 = legato"),
        ("low_share", 1, "of low strokes and notes in what is struck, 0..1"),
        ("texture_reserved", 7, "zero"),
        ("valence", 1, "-1..1, of piano music alone"),
        ("arousal", 1, "-1..1, of piano music alone"),
        ("dominance", 1, "zero: no data hold it"),
        ("complexity", 1, "zero: no data hold it"),
        ("key_clarity", 1, "correlation of the pitches with the best of 24 keys, 0..1; 0 of drums alone"),
        ("confidence", 1, "logit that the tempo is right within 4 %"),
    ),
    budget_ms=5.0,
    params_hint="~150K",
    network="causal CNN",
    state="one audio frame a call",
    features=LEVEL_FEATURES,
    output_kind="logits",
)

MICROTIMING = Contract(
    model="microtiming",
    id="microtimingmodel",
    task="custom",
    inputs=slices(
        ("style", 8, "straight swing shuffle laid_back pushed funk jazz latin, one-hot; zeros unknown", ONE_HOT),
        ("step", 16, "nearest sixteenth of the bar, one-hot", ONE_HOT),
        ("role", 8, "lead bass comp kick snare hat cymbal other, one-hot", ONE_HOT),
        ("tempo", 1, "(quarter notes a minute - 120) / 60", Values("range", -2.0, 4.0)),
        ("swing", 1, "0 even eighths, 1 triplets", UNIT),
        ("inter_onset", 2, "log2 of the quarters from the onset before and to the one after / 4; 0 unknown", SIGNED),
        ("duration", 1, "log2 of the written duration in quarters / 4; 0 for drums", SIGNED),
        ("pitch", 1, "MIDI pitch / 127; drums as one of nine voices", UNIT),
        ("chord_size", 1, "notes written at this onset / 10, at most 2", TWICE_UNIT),
        ("chord_rank", 1, "place among them by pitch, 0 the lowest, 1 the highest; 0 alone", UNIT),
        (
            "played_offsets",
            4,
            "the last four offsets as played, oldest first, in the unit of the outputs; 0 unknown",
            SIGNED,
        ),
        ("lead", 1, "how late the player is as a whole / 30 ms, below 0 early; 0 unknown", SIGNED),
        ("phrase_position", 2, "sin, cos of the place in a phrase of eight bars; zeros unknown", CIRCLE),
        _MOOD,
        ("written_dynamic", 1, "dynamic that the score writes, as a MIDI velocity / 127; 0 unknown", UNIT),
        ("reserved", 12, "keep it zero; it has no effect", UNIT),
    ),
    outputs=slices(
        ("median", 1, "median offset from the written place, -1..1 = +-60 ticks at 480 PPQ, later is above 0"),
        ("quantiles", 4, "10, 25, 75 and 90 % quantiles of the offset; sort them with the median before use"),
        ("velocity", 1, "velocity, 0..1"),
        ("velocity_spread", 1, "mean distance of velocities from it, 0..1"),
        ("reserved", 9, "zero"),
    ),
    budget_ms=1.0,
    params_hint="~20K",
    network="small RNN",
    state="one note a call",
    features=SYMBOLIC_FEATURES,
    output_kind="values",
)

_BY_MODEL = {
    c.model: c
    for c in (
        HARMONY,
        EMOTION,
        MELODY,
        GROOVE,
        DYNAMICS,
        INSTRUMENT,
        EMOTION_NODE,
        STRUCTURE,
        INTENT,
        FEEL,
        MICROTIMING,
    )
}
CONTRACTS = MappingProxyType(_BY_MODEL)
"""Every contract by model name, in training priority; behind the lab's own those that `register` added."""


def register(contract: Contract) -> None:
    """Adds the contract of a model that another package brings, for as long as this process runs.

    Args:
        contract: to add; one that is there already changes nothing.

    Raises:
        ConfigError: another contract has its model name or its id.
    """
    for other in CONTRACTS.values():
        if other != contract and (other.model == contract.model or other.id == contract.id):
            raise ConfigError(
                f"the contract of {contract.model} ({contract.id}) has a name or an id that {other.model} ({other.id}) "
                "has; give it others"
            )
    _BY_MODEL[contract.model] = contract
