"""Portal access: what each client may see, and signing in."""
