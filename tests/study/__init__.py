"""Tests of the study: campaigns, lanes, the record of what was decided, the promises that a kill must not break."""
