"""Sentences with the feeling that is in them."""
