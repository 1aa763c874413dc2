"""The template engine: Jinja2 with our functions and filters."""
