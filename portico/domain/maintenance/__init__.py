"""What happens when nobody is looking."""
