"""One file a model: the network that is exported and the LightningModule that trains it."""
