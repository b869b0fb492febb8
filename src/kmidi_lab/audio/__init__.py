"""Sound: reading, mel frames, voice activity, augmentation. Knows no model's vocabulary."""
