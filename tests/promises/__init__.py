"""The promises of the design, each a test."""
