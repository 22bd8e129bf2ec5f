"""Findings become changes to try."""
