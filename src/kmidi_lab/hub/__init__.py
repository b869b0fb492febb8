"""A models folder at the Hugging Face Hub: pushed as one commit, pulled through every check of a foreign folder."""
