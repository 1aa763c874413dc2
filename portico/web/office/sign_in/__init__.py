"""Staff sign-in: password, second factor, set-up and reset links."""
