"""Pages: a request comes in, HTML goes out."""
