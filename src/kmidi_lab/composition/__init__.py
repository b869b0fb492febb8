"""From a sentence to a song: the chain of models that `task=compose` and `kmidi_lab.compose` run."""
