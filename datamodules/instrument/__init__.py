"""Everything that is read for the instrument model."""
