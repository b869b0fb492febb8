"""What users did with a model's suggestions: one event format, and a store of it on this machine (docs/feedback.md)."""
