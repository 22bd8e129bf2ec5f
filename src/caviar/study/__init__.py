"""The loops: ask, train, tell; diagnose, remedy, again."""
