"""The commands of the command line, a file for each kind; each is a few calls of the rooms below."""
