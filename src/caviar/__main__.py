"""`python -m caviar` is the command line, for where its script is not on the path."""

from caviar.cli import main

if __name__ == "__main__":
    main()
