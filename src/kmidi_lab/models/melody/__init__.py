"""Everything that is known of the melody model."""
