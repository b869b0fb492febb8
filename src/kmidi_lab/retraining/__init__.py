"""Models that learn from their users' feedback: lessons, how far raters are to be trusted, gates, adapters (docs/retraining.md)."""
