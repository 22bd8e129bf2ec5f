"""Tests of files becoming splits."""
