"""Everything that is known of the dynamics model."""
