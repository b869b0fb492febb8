"""The registry of a models folder: entries, history, policy, transactions."""
