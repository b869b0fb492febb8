"""Where a request is answered: the folder that it writes to, what is drawn with which seed, who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kmidi_lab.file_sets import write_together


@dataclass(frozen=True)
class Session:
    """Where a request is answered.

    Args:
        model: its short name, such as harmony.
        folder: what is shown is written there.
        cache_dir: prepared data, which a rhythm may come from.
        seed: of what is drawn.
        say: prints a line and returns False when nobody reads it any more; the Python API says nothing.
        sound: a WAV file is written for each MIDI file.
    """

    model: str
    folder: Path
    cache_dir: Path
    seed: int = 1
    say: Callable[[str], bool] = lambda line: True
    sound: bool = False

    def write_midi(self, target: Path, midi: bytes, picture: bytes | None = None) -> str:
        """Writes a MIDI file, its picture, and where `sound` says so its sound. Every model's `show` writes its MIDI by this.

        The others have the MIDI file's name (`midi.companions`). Where there can be no sound, `say` is told why.

        Args:
            target: the MIDI file.
            midi: its bytes.
            picture: a PNG file; None is none.

        Returns:
            The names of the files that were written, with commas between.

        Raises:
            FileError: one can't be written; then none of them is new, or it says which are.
        """
        from kmidi_lab.midi.companions import companions
        from kmidi_lab.midi.sound import NoSoundError, wav_bytes

        endings = (".wav",) if picture is None else (".wav", ".png")
        wav, *png = companions(target, endings, self.folder, self.say)
        files = {target: midi}
        if self.sound:
            try:
                files[wav] = wav_bytes(midi)
            except NoSoundError as error:
                self.say(str(error))
        if picture is not None:
            files[png[0]] = picture
        write_together(files)
        return ", ".join(map(str, files))
