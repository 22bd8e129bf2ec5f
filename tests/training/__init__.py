"""Tests of many networks in one program."""
