"""One file a data set: read, check, split, cache, hand out batches of contract vectors."""
