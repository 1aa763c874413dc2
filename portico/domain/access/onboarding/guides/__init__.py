"""Texts about signing in that clients read or print: the getting-started guide and the invitation letter."""
