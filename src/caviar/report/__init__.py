"""A study becomes figures, text and a page."""
