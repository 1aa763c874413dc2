"""Pages of a client's contacts: to add, edit and end them."""
