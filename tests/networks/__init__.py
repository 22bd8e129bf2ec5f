"""Tests of one network."""
