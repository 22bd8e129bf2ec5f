"""Tests of the command line: what a stranger types, sees, and gets wrong."""
