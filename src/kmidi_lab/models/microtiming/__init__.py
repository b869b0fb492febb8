"""Everything that is known of the micro-timing model."""
