"""Several jobs of one command: what is kept of a sweep, what a job still needs, and which setting is chosen."""
