"""Track names in the encodings that programs write."""

from __future__ import annotations

import pytest

from kmidi_lab.midi.names import LONGEST, decoded, plain


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((text, "utf-8") for text in ("Melody", "Mélodie", "メロディ", "主旋律", "Мелодия", "멜로디", "")),
        *(
            (text, "cp1252")
            for text in ("Mélodie", "Gesangstimme für Bläser", "Melodía", "Ébène", "Singer’s part", "Über", "É")
        ),
        *((text, "cp932") for text in ("メロディ", "ボーカル1", "歌", "ﾒﾛﾃﾞｨ", "主旋律", "Vocal 歌", "ドラム")),
        *((text, "cp1251") for text in ("Мелодия", "Вокал", "СОЛО 2")),
        *((text, "gb18030") for text in ("主旋律", "旋律")),
        ("Melodie", "utf-16"),
        ("メロディ", "euc_jp"), ("ドラムス", "euc_jp"), ("主旋律", "big5"), ("鼓", "big5"), ("Мелодия", "koi8-r"), ("Ударные", "koi8-r"),
        ("МЕЛОДИЯ", "cp866"), ("멜로디", "euc_kr"), ("드럼", "euc_kr"), ("Μελωδία", "cp1253"), ("Mélodie", "mac-roman"),
        ("MÉLODIE", "cp437"), ("Melodía", "cp437"), ("Zpěv", "cp1250"), ("Şarkı", "cp1254"), ("ベース", "cp932"), ("鼓组", "gb18030"),
    ],
)  # fmt: skip
def test_a_name_is_read(text: str, encoding: str) -> None:
    assert decoded(text.encode(encoding)) == text


@pytest.mark.parametrize("data", [b"\x83\x84\xff\xfe\0\n", b"\xff", bytes(range(256)), b"\xed\xa0\x80", b"a" * 10_000])
def test_any_bytes_are_a_printable_name(data: bytes) -> None:
    name = decoded(data)
    assert len(name) <= LONGEST and name == "".join(c for c in name if c.isprintable())
    name.encode()


def test_a_long_name_is_cut_between_characters() -> None:
    assert decoded(("é" * 1000).encode()) == "é" * LONGEST


def test_names_are_compared_without_accents_case_and_width() -> None:
    assert plain("MÉLODIE") == plain("mélodie") == "melodie"
    assert plain("ﾒﾛﾃﾞｨ") == "メロディ" and plain("ドラム") == "ドラム"
