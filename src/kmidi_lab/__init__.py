"""kmidi_lab: train, prove and export KmiDi's small music models."""

__version__ = "0.1.0"
