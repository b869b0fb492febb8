"""Deadlines and shares against values worked out by hand."""

from __future__ import annotations

import pytest

from kmidi_lab.export.bench.timing import BLOCKS, RATES_HZ, deadline_us, deadlines
from kmidi_lab.export.proof.golden import MEL128_SAMPLE_RATE_HZ


@pytest.mark.parametrize(
    ("block", "rate", "us"),
    [
        (64, 44_100, 1451.247),
        (64, 48_000, 1333.333),
        (64, 96_000, 666.667),
        (128, 48_000, 2666.667),
        (256, 44_100, 5804.989),
        (512, 44_100, 11609.977),
        (512, 96_000, 5333.333),
    ],
)
def test_how_long_a_block_lasts(block, rate, us):
    assert deadline_us(block, rate) == pytest.approx(us, abs=0.001)


def test_shares_of_twelve_blocks():
    rows = deadlines(p99_us=800.0, max_us=4000.0)
    assert [(r["block"], r["rate_hz"]) for r in rows] == [(b, r) for b in (64, 128, 256, 512) for r in RATES_HZ]
    at = {(r["block"], r["rate_hz"]): r for r in rows}
    assert at[64, 48_000]["p99_share"] == pytest.approx(0.6)
    assert at[64, 48_000]["max_share"] == pytest.approx(3.0)
    assert (at[64, 48_000]["meets_p99"], at[64, 48_000]["meets_max"]) == (True, False)
    assert (at[64, 96_000]["meets_p99"], at[64, 96_000]["meets_max"]) == (False, False)
    assert (at[256, 48_000]["meets_p99"], at[256, 48_000]["meets_max"]) == (True, True)
    assert at[256, 48_000]["max_share"] == pytest.approx(0.75)


def test_exactly_on_the_deadline_meets_it():
    row = next(r for r in deadlines(2000.0, 2000.0) if (r["block"], r["rate_hz"]) == (64, 48_000))
    assert not row["meets_p99"]
    row = next(r for r in deadlines(4000.0, 8000.0) if (r["block"], r["rate_hz"]) == (512, 96_000))
    assert (row["meets_p99"], row["meets_max"]) == (True, False)
    exact = deadline_us(64, 96_000)
    assert deadlines(exact, exact)[2]["meets_max"] and deadlines(exact, exact)[2]["max_share"] == 1.0


def test_no_block_sees_two_audio_frames():
    hop_us = 256 / MEL128_SAMPLE_RATE_HZ * 1e6
    assert max(deadline_us(block, rate) for block in BLOCKS for rate in RATES_HZ) < hop_us
