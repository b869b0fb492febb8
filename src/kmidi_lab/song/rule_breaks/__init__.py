"""Twenty-one rules of music to break on purpose, each a change of an arrangement."""
