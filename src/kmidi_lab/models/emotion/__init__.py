"""Everything that is known of the emotion model."""
