"""Files become Splits."""
