"""Everything that is known of the instrument model."""
