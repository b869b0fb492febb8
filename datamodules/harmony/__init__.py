"""Everything that is read for the harmony model."""
