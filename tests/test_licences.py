"""What a licence's words say about a product: the licences that the lab's own data sets state, judged by hand."""

from __future__ import annotations

import pytest

from kmidi_lab.licences import deciding_licences, product_use

GM = "TimGM6mb (GPL-2) as packaged in pretty_midi; what it plays is not restricted by that licence"
ESPEAK = "synthesised with eSpeak NG (GPL-3.0-or-later); its output is not restricted by that licence"
PHILHARMONIA = "Philharmonia Orchestra samples: free to use, not to be sold as samples"


@pytest.mark.parametrize(
    ("licence", "use"),
    [
        ("MIT", "yes"),
        ("embedded: MIT; pop909: MIT", "yes"),
        ("pop909: MIT; jsb_chorales: scores in the public domain", "yes"),
        ("CC BY 4.0", "yes"),
        ("CC0", "yes"),
        (GM, "yes"),
        (ESPEAK, "yes"),
        ("CC BY-NC-SA 4.0", "no"),
        ("CC-BY-NC-SA-4.0", "no"),
        ("essen: distributed with music21 for non-commercial use; pop909: MIT", "no"),
        ("pop909: MIT; jazz_standards: chord data of a public playlist, research use", "no"),
        (PHILHARMONIA, "ask"),
        (f"{PHILHARMONIA}; {GM}", "ask"),
        ("scores in the public domain, encodings per piece", "ask"),
        ("per piece, in the music21 corpus", "ask"),
        ("metadata CC BY 4.0; each recording under the licence its artist chose", "ask"),
        ("GPL-2", "ask"),
        ("CC BY-SA 4.0", "ask"),
        ("", "ask"),
        (None, "ask"),
    ],
)
def test_use_in_a_product(licence: str | None, use: str) -> None:
    assert product_use(licence) == use


def test_what_decides_is_named() -> None:
    assert deciding_licences("a: MIT; b: CC BY-NC 4.0; c: unknown") == "b: CC BY-NC 4.0"
    assert deciding_licences(f"{PHILHARMONIA}; {GM}") == PHILHARMONIA
    assert deciding_licences("a: MIT; b: CC0") == "a: MIT; b: CC0"
