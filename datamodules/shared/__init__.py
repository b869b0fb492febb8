"""What the data modules of several models use: engine, splits, cache, shards, processes, fetching."""
