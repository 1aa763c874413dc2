"""Files stored in the database: checked by content, written in chunks, read as a stream."""
