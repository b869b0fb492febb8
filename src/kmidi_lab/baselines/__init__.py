"""What a model must beat: simple predictors fitted on the same training split."""
