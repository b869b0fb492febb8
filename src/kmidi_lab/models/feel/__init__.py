"""From sound to its feel: tempo, beats, swing, energy, density, texture over time."""
