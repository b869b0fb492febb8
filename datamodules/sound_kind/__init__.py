"""What the head that tells speech, music and neither is fitted and judged on: `python -m datamodules.sound_kind`."""
