"""A study, followed live."""
