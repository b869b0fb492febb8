"""Song forms: readers and the data module of the structure model."""
