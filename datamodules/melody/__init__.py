"""Everything that is read for the melody model."""
