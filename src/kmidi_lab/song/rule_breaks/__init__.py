"""Twenty-one rules of music to break on purpose, each a change of an arrangement, or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kmidi_lab.errors import one_of
from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.rule_breaks import of_arrangement, of_harmony, of_production, of_rhythm
from kmidi_lab.song.rule_breaks.changing import RuleBreakError as RuleBreakError
from kmidi_lab.song.rule_breaks.refused import REFUSED as REFUSED
from kmidi_lab.song.vocabularies import LATER_RULE_BREAKS, RULE_BREAKS

Change = Callable[[Arrangement], Arrangement]
CHANGES: Mapping[str, Change] = {
    "HARMONY_AvoidTonicResolution": of_harmony.avoid_tonic_resolution,
    "HARMONY_ParallelMotion": of_harmony.parallel_motion,
    "HARMONY_ModalInterchange": of_harmony.modal_interchange,
    "HARMONY_TritoneSubstitution": of_harmony.tritone_substitution,
    "HARMONY_Polytonality": of_harmony.polytonality,
    "HARMONY_UnresolvedDissonance": of_harmony.unresolved_dissonance,
    "RHYTHM_ConstantDisplacement": of_rhythm.constant_displacement,
    "RHYTHM_TempoFluctuation": of_rhythm.tempo_fluctuation,
    "RHYTHM_MetricModulation": of_rhythm.metric_modulation,
    "RHYTHM_PolyrhythmicLayers": of_rhythm.polyrhythmic_layers,
    "RHYTHM_DroppedBeats": of_rhythm.dropped_beats,
    "ARRANGEMENT_UnbalancedDynamics": of_arrangement.unbalanced_dynamics,
    "ARRANGEMENT_StructuralMismatch": of_arrangement.structural_mismatch,
    "ARRANGEMENT_BuriedVocals": of_arrangement.buried_vocals,
    "ARRANGEMENT_ExtremeDynamicRange": of_arrangement.extreme_dynamic_range,
    "ARRANGEMENT_PrematureClimax": of_arrangement.premature_climax,
    "PRODUCTION_PitchImperfection": of_production.pitch_imperfection,
    "PRODUCTION_MonoCollapse": of_production.mono_collapse,
}
"""What breaks each rule that MIDI can hold."""


def new_order(song: Arrangement, rule: str) -> list[int] | None:
    """The bars of a song in the order in which they come where a rule is broken; None where it leaves them in theirs.

    Raises:
        RuleBreakError: a song that lacks what the rule is about.
    """
    return of_arrangement.mismatched(song.sections) if rule == "ARRANGEMENT_StructuralMismatch" else None


def break_rule(song: Arrangement, rule: str) -> Arrangement:
    """The song with one rule broken; the same song gives the same each time.

    Args:
        song: complete; of rules on sections, chords, metres and tempos a plan without notes will do.
        rule: one of `vocabularies.RULE_BREAKS`.

    Raises:
        RuleBreakError: no such rule, one that MIDI can't hold, or a song that lacks what the rule is about.
    """
    if rule in REFUSED:
        raise RuleBreakError(f"{rule} is not broken: {REFUSED[rule]}")
    if rule in LATER_RULE_BREAKS:
        raise RuleBreakError(f"{rule} is not broken: it came after schema 1.0.0 and this kmidi_lab does not know how")
    if rule not in CHANGES:
        raise RuleBreakError(one_of("rule to break", rule, RULE_BREAKS))
    return CHANGES[rule](song)
