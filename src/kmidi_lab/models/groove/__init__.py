"""Everything that is known of the groove model."""
