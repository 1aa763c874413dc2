"""The reasons why a client can or can’t sign in, and what happened so far, for staff."""
