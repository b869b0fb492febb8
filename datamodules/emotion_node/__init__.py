"""Everything that is read for the emotion_node model."""
