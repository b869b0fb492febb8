"""Everything that is read for the feel model."""
