"""Rules of sound that no MIDI file can break: the recording has to."""

REFUSED = {
    "PRODUCTION_ExcessiveMud": "a build-up of 200 to 400 Hz is made with an equaliser; a MIDI file holds no sound",
    "PRODUCTION_RoomNoise": "the room is heard in a recording only; a MIDI file holds no sound",
    "PRODUCTION_Distortion": "clipping and saturation are made of sound; a MIDI file holds none",
}
"""Each with why. The other two of its family move what MIDI holds: pitch and place."""
