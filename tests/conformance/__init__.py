"""One file for each row of the techniques: what Caviar computes against a computation that owes it nothing."""
