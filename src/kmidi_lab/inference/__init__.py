"""Published models as functions; imports neither torch nor Lightning."""
