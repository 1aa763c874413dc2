"""The sums, times, addresses and texts of every page, as they are shown."""
