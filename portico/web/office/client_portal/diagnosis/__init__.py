"""Reasons why a client can or can’t sign in, and what happened so far, as the `Client Portal` tab shows them."""
