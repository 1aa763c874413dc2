"""What would serve another practice's application unchanged: rows, the trail, the queue, limits."""
