"""task=compose: from a sentence, a song intent or chords to a multi-track MIDI file, a WAV, a picture and a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.composition.interview import interview
from kmidi_lab.composition.page import song_page
from kmidi_lab.composition.picture import song_picture
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import composed
from kmidi_lab.midi.score import midi_target
from kmidi_lab.midi.song_files import write_song
from kmidi_lab.midi.sound import NoSoundError, rendered
from kmidi_lab.song import SongIntent
from kmidi_lab.streams import say
from kmidi_lab.targets import build
from kmidi_lab.tasks.roots import models_root, spare_root
from kmidi_lab.wording import many


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    request = build(cfg.compose, SongRequest, cfg.trusted)
    if request.ask:
        said = interview(request.known, say, input)
        request = build(cfg.compose, SongRequest, cfg.trusted, ask=False, song=None if said == SongIntent() else said)
    folder = context["folder"]
    target = midi_target(request.out, folder / "song.mid", name="compose.out")
    song = composed(request, Players(models_root(cfg), Path(cfg.paths.cache_dir), spare_root(cfg)), cfg.seed)
    brief, parts = song.brief, song.arrangement.parts
    title = f"{brief.headline}, {many(len(song.arrangement.metres), 'bar')}"
    picture = song_picture(song.arrangement, title, brief.spelling)
    remarks = list(song.remarks)
    sound = None
    if request.sound:
        try:
            sound = rendered(song.midi)
        except NoSoundError as error:
            remarks.append(str(error))
    page = song_page(title, song.trace, sound, picture, target.with_suffix(".wav").name)
    others = {".png": picture, ".wav": sound.wav() if sound else None, ".html": page}
    written = write_song(target, song.midi, others, song.trace, folder, say)
    say(f"{title}; {song.arrangement.seconds(song.arrangement.length):.0f} s")
    mood = brief.mood
    say(f"mood: {song.trace['mood']['nearest']}, valence {mood.valence:+.2f}, arousal {mood.arousal:+.2f}")
    for section in song.trace["form"]["sections"]:
        say(f"  bar {section['bar']:>3}  {section['name']:<11} {' | '.join(section['chords'])}")
    say("parts: " + ", ".join(f"{p.name} {many(len(p.notes), 'note')}" for p in parts))
    for remark in remarks:
        say(remark)
    say(f"written: {', '.join(map(str, written))}")
