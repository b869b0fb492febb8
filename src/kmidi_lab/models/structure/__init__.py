"""Everything that is known of the structure model."""
