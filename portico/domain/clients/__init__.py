"""Who is cared for: clients, their addresses and phones, and their recorded consent."""
