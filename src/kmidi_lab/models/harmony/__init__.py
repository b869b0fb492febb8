"""Everything that is known of the harmony model."""
