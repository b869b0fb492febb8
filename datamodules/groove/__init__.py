"""Everything that is read for the groove model."""
