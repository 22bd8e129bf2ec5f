"""A study becomes figures, text and a page that can be trusted to say what was measured."""
