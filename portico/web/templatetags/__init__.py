"""Tags and filters of the product's own templates."""
