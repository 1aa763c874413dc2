"""Templates of documents: editing, publishing, importing, and what their versions hold."""
