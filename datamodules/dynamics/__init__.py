"""Everything that is read for the dynamics model."""
