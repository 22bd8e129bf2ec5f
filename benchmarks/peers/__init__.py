"""What other people would use instead, each as fast as it can be made."""
