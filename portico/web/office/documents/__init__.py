"""Documents shared with clients, as staff see them."""
