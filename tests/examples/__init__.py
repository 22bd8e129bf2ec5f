"""Every example of the project is run, and what it claims is checked."""
