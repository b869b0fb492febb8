"""`text128-v1`'s pieces, by hand and at their limits."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.text.pieces import LONGEST_WORD, MOST_WORDS, ROWS, fnv1a, negated, pieces, rows, tokens


@pytest.mark.parametrize(
    ("piece", "value"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968), ("é", 0x1E82E8C2)]
)
def test_the_hash_is_fnv_1a_of_32_bits(piece: str, value: int) -> None:
    expected = 0x811C9DC5
    for byte in piece.encode():
        expected = (expected ^ byte) * 0x01000193 % 2**32
    assert fnv1a(piece) == expected
    if piece.isascii():
        assert expected == value  # the published test values


def test_pieces_by_hand() -> None:
    assert pieces("Not HAPPY!!!") == [
        *("wnot", "whappy", "w!!", "wnot_happy", "bnot happy", "bhappy !!"),
        *("c<no", "cnot", "cot>", "c<not", "cnot>", "c<not>"),
        *("c<ha", "chap", "capp", "cppy", "cpy>", "c<hap", "chapp", "cappy", "cppy>", "c<happ", "chappy", "cappy>"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I’m SOOOO happy", ["i'm", "soo", "happy"]),
        ("well-known", ["well", "-", "known"]),
        ("rock'n'roll 'quoted'", ["rock'n'roll", "'", "quoted", "'"]),
        ("what?!?! no...", ["what", "?!", "no", ".", ".", "."]),
        ("😀❤️", ["😀", "❤"]),
        ("ÉTÉ Über", ["été", "über"]),
        ("a\x00b\x07c\u200bd", ["a", "b", "cd"]),
        ("мне 我很 🎵", ["мне", "我很", "🎵"]),
        ("half \ud83d surrogate", ["half", "surrogate"]),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not happy at all today", ["happy", "at", "all"]),
        ("I'm not happy. I am sad", ["happy"]),
        ("don't you ever leave", ["you", "ever", "leave"]),
        ("never ever, ever again", ["ever"]),
        ("not", []),
        ("happy", []),
        ("not not happy", ["happy"]),
    ],
)
def test_a_negation_reaches_three_words_or_to_the_next_mark(text: str, words: list[str]) -> None:
    assert list(negated(tokens(text))) == words


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_text_has_rows_of_the_table(text: str) -> None:
    assert all(0 <= row < ROWS for row in rows(text))
    assert all(0 < len(token) <= LONGEST_WORD for token in tokens(text))


def test_a_long_text_is_cut_off() -> None:
    begun = time.process_time()
    assert len(tokens("word " * 10_000)) == MOST_WORDS
    assert len(tokens("x" * 1_000_000)[0]) <= LONGEST_WORD
    assert len(rows(" ".join(f"w{i}" for i in range(10_000)))) < 60 * MOST_WORDS
    assert time.process_time() - begun < 5
