"""Written text as numbers: the front-end `text128-v1` (docs/text.md)."""
