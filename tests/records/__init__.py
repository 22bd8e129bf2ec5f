"""What was measured is kept, whole and bit for bit, whatever happens to the process or the disk."""
