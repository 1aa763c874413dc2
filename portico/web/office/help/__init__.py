"""Help: the guide for staff, and the printed guides for clients."""
