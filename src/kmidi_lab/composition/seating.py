"""Who plays: the instruments and parts that are asked for or not wanted, and the part that each instrument gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kmidi_lab.composition.in_context import is_only
from kmidi_lab.composition.said_pairs import SaidPair
from kmidi_lab.composition.vocabulary import Item, vocabulary
from kmidi_lab.composition.wishes import ROLES

_PAIR = ("duet", "duo")
"""What two players are called, of whom no third plays."""
_KEYBOARDS = (*range(8), *range(16, 21), 46)
"""Programs that play chords and bass at once."""
_ROLE_WORDS = {"melody": "lead", "lead": "lead", "solo": "lead", "tune": "lead", "line": "lead", "chords": "chords",
               "accompaniment": "chords", "comping": "chords", "pad": "pad", "pads": "pad", "bass": "bass"}  # fmt: skip
_LOW = 41
"""Who plays down to this pitch can play the bass."""


class Player(NamedTuple):
    """An instrument that is asked for: its program, its own part, and whether the text binds it to that part."""

    program: int
    role: str
    chordal: bool
    text: str
    bound: bool

    @property
    def fades(self) -> bool:
        """Whether its tones die away, so that it holds no pad: keys, bars, and what is plucked."""
        return self.program // 8 in (0, 1) or self.program in vocabulary()["plucked"]

    @property
    def low(self) -> bool:
        """Whether it can play the bass."""
        low = vocabulary()["ranges"].get(self.program, (_LOW + 1,))[0] <= _LOW
        return bool(low and not self.chordal)


class Seats:
    """Takes players and parts, and those that shall not play, in order.

    Args:
        words: those that said each wish, by its name; those that name players are added.
        missing: what can't be had; players without a part are added.
        pairs: instruments of which the text names two or more.
    """

    def __init__(self, words: dict[str, str], missing: list[str], pairs: Sequence[SaidPair]) -> None:
        self._words, self._missing, self._pairs = words, missing, pairs
        self.second: int | None = None
        """Program of the second of two, who plays a line below the melody; None without one."""
        self._programs: dict[str, int] = {}
        self._asked: list[Player] = []
        self._only = self._two = False
        self._with: set[str] = set()
        self._without: list[str] = []
        self._families: list[int] = []

    @property
    def families(self) -> tuple[int, ...]:
        """Families of General MIDI that shall not play."""
        return tuple(dict.fromkeys(self._families))

    def count(self, items: Sequence[Item], mark: Sequence[bool]) -> None:
        """Looks in a clause for a word for two players."""
        self._two = self._two or any(m and i.text in _PAIR for i, m in zip(items, mark, strict=True))

    def instrument(self, items: Sequence[Item], n: int) -> None:
        """An instrument that is asked for."""
        program, role, chordal = items[n].value
        after = items[n + 1].text if n + 1 < len(items) else ""
        before = items[n - 1].text if n else ""
        alone = is_only(items, n)
        if not alone:
            role = _ROLE_WORDS.get(after, "lead" if before == "lead" else role)
        if after in _ROLE_WORDS or program not in {*self._programs.values(), *(p.program for p in self._asked)}:
            bound = after in _ROLE_WORDS or before == "lead"
            self._asked.append(Player(program, role, chordal, items[n].text, bound))
        self._only = self._only or alone

    def alone(self) -> None:
        """Nobody plays beside those who are asked for."""
        self._only = True

    def part(self, items: Sequence[Item], n: int) -> None:
        """A part that is asked for."""
        self._with.add(items[n].value)
        self._only = self._only or is_only(items, n)

    def group(self, item: Item, named: bool) -> None:
        """Players that have a name together, such as a string quartet: no others play; who plays may be named one by one."""
        if not named:
            self._programs |= {role: program for role, program in item.value.items() if role != "drums"}
            self._words |= {f"program {role}": item.text for role in item.value if role != "drums"}
            self._with |= {"drums"} & {*item.value}
        self._only = True
        self._words.setdefault("alone", item.text)

    def leave_out(self, item: Item) -> None:
        """A part or an instrument that shall not play."""
        if item.kind == "part" or item.text in ("beat", "beats", "tune"):
            role = item.value if item.kind == "part" else {"tune": "lead"}.get(item.text, "drums")
            self._without.append(role)
            self._words.setdefault(role, item.text)
        elif item.kind == "instrument":
            program, role, _ = item.value
            if role == "bass":
                self._without.append(role)
                self._words.setdefault(role, item.text)
            else:
                also = vocabulary()["keyboards"] if item.text.removesuffix("s") in ("keyboard", "key") else ()
                self._families += dict.fromkeys((program // 8, *also))
                self._words.setdefault(f"family {program // 8}", item.text)

    def without_drums(self, character: str) -> None:
        """Leaves out the drums, as a kind of song does, where nothing says them."""
        if "drums" not in {*self._with, *self._without}:
            self._without.append("drums")
            self._words["drums"] = character

    def seated(self, style: str) -> tuple[dict[str, int], tuple[str, ...]]:
        """The program of each part in a style, and the parts that are left out."""
        programs, without = self._own_and_open_parts(style), list(self._without)
        for pair in self._pairs:
            if pair.program in {p.program for p in self._asked}:
                self._seat_second(pair, programs)
        players = len(programs) + (self.second is not None)
        self._only = self._only or (self._two and players == len(_PAIR))
        if self._only and programs:
            if len(programs) == 1 and not self._with and not any(p.chordal or p.bound for p in self._asked):
                [(role, program)] = programs.items()
                programs = {"lead": program}
                self._words["program lead"] = self._words.pop(f"program {role}")
            elif len(programs) == 1 and any(player.chordal for player in self._asked) and not self._with:
                program = next(iter(programs.values()))
                programs = dict.fromkeys(("lead", "chords", "bass"), program)
                self._words |= {
                    f"program {role}": next(t for k, t in self._words.items() if k.startswith("program"))
                    for role in programs
                }
            elif programs.get("chords") in _KEYBOARDS and self._two and "bass" not in {*programs, *self._with}:
                programs["bass"], self._words["program bass"] = programs["chords"], self._words["program chords"]
            if len(programs) > 1 and not {"lead"} & {*programs, *self._with, *self._without} and "pad" in programs:
                programs["lead"], self._words["program lead"] = programs.pop("pad"), self._words.pop("program pad")
            without += [role for role in ROLES if role not in programs and role not in self._with]
        elif self._only:
            without += [role for role in ROLES if role not in self._with]
        left = tuple(role for role in ROLES if role in without)
        return {role: p for role, p in programs.items() if role not in left}, left

    def _seat_second(self, pair: SaidPair, programs: dict[str, int]) -> None:
        """The second of two: a line below the melody, or of what plays chords the melody itself."""
        name, program, words, more = pair
        chordal = any(p.chordal for p in self._asked if p.program == program)
        if chordal and "lead" not in {*programs, *self._without}:
            programs["lead"], self._words["program lead"] = program, name
        elif programs.get("lead") == program and not chordal:
            self.second, self._words["second"] = program, name
        else:
            self._missing.append(f"no second {name} ({words}): one plays")
            return
        if more:
            self._missing.append(f"{words} are played by two: a melody, and a line below it or chords")

    def _own_and_open_parts(self, style: str) -> dict[str, int]:
        """Each instrument in its own part first, the others in parts that are open."""
        programs, others = dict(self._programs), []
        closed = {*self._without}
        for player in sorted(self._asked, key=lambda p: (not p.bound, p.low)):
            if player.role in closed | {*programs}:
                others.append(player)
            else:
                programs[player.role], self._words[f"program {player.role}"] = player.program, player.text
        closed |= self._with
        for player in others:
            roles = (
                "lead",
                *(("bass",) if player.low else ()),
                *(("chords", "pad") if player.fades else ("pad", "chords")),
            )
            role = next((r for r in roles if r not in closed | {*programs}), "")
            if role:
                programs[role], self._words[f"program {role}"] = player.program, player.text
            else:
                self._missing.append(f"no {player.text}: no part is left for it")
        usual = vocabulary()["in_style"].get(style, {})
        for role, program in programs.items():
            if self._words.get(f"program {role}") in ("guitar", "guitars"):
                programs[role] = usual.get(role, program)
        return programs
