"""Contacts of a client: the card on the Overview, and the pages to add, edit and end them."""
