"""Views, forms, middleware and template tags: HTTP in, HTML out."""
