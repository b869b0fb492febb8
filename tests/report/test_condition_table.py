"""Scores of recordings that went through something, by condition."""

from __future__ import annotations

from kmidi_lab.report.condition_table import condition_table, without_conditions
from kmidi_lab.run_scores import Primary, Scores, Spread, Statistic

OWN = {
    "songs": 7,
    "uar": 0.6,
    "uar_after_15_s": 0.8,
    "uar_hum": 0.3,
    "uar_hum_after_15_s": 0.6,
    "uar_peak_1": 0.45,
    "uar_peak_1_after_15_s": 0.8,
}
RIVALS = {"mfcc": {"uar": 0.5, "uar_hum": 0.1, "uar_peak_1": 0.25}, "majority": {"uar": 0.1}}


def scores() -> Scores:
    primary = Primary("uar", "max", "test", 0.6, "mfcc", 0.5, True)
    return Scores(metrics={"test": dict(OWN)}, baselines={"test": RIVALS}, primary=primary, directions={"uar": "max"})


def test_a_condition_is_a_row_beside_the_clean_value_its_share_and_the_best_baseline() -> None:
    table = condition_table(scores(), None, "test")
    assert table is not None
    assert table.headings == ("", "uar", "share", "uar, mfcc", "uar after 15 s", "share")
    assert table.rows == (
        ("as recorded", "0.600", "1.00", "0.500", "0.800", "1.00"),
        ("peak 1", "0.450", "0.75", "0.250", "0.800", "1.00"),
        ("hum", "0.300", "0.50", "0.100", "0.600", "0.75"),
    )


def test_over_folds_the_mean_counts_and_over_seeds_the_released_file() -> None:
    over = {"test": {"uar": Statistic(0.5, 0.1), "uar_hum": Statistic(0.4, 0.2)}}
    beside = {"test": {"mfcc": {"uar_hum": Statistic(0.15, 0.05)}}}
    folds = condition_table(scores(), Spread(metrics=over, folds=[0, 1], seeds=[1, 1], baselines=beside), "test")
    assert folds is not None
    assert folds.headings[0] == "mean ± std, 2 folds"
    assert folds.rows[2][1:4] == ("0.400 ± 0.200", "0.80", "0.150 ± 0.050")
    seeds = condition_table(scores(), Spread(metrics=over, seeds=[1, 2]), "test")
    assert seeds is not None
    assert seeds.rows[2][1:3] == ("0.300", "0.50")


def test_a_value_that_is_named_otherwise_when_clean_is_found_and_one_that_is_not_there_is_a_dash() -> None:
    named = Scores(metrics={"test": {"instrument_accuracy": 0.8, "instrument_hum": 0.4, "family_hum": 0.5}})
    table = condition_table(named, None, "test")
    assert table is not None
    assert table.rows == (("as recorded", "0.800", "1.00", "–", "–"), ("hum", "0.400", "0.50", "0.500", "–"))


def test_a_baseline_counts_whichever_of_the_conditions_it_was_scored_in() -> None:
    named = Scores(
        metrics={"test": {"uar": 0.5, "uar_hum": 0.4, "family": 0.8, "family_telephone": 0.4}},
        baselines={"test": {"mfcc": {"family": 0.6, "family_telephone": 0.2}}},
    )
    table = condition_table(named, None, "test")
    assert table is not None
    assert table.headings[3:] == ("family", "share", "family, mfcc")
    assert [row[-1] for row in table.rows] == ["0.600", "–", "0.200"]


def test_the_other_scores_stay_and_a_split_without_conditions_has_no_table() -> None:
    rest = without_conditions(scores())
    assert rest.metrics == {"test": {"songs": 7, "uar": 0.6, "uar_after_15_s": 0.8}}
    assert rest.baselines == {"test": {"mfcc": {"uar": 0.5}, "majority": {"uar": 0.1}}}
    assert condition_table(rest, None, "test") is None
