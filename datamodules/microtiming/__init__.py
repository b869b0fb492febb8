"""What micro-timing is learnt from."""
