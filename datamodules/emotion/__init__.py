"""Everything that is read for the emotion model."""
