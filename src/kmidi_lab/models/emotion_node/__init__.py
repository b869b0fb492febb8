"""Everything that is known of the emotion_node model."""
