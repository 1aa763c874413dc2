"""Changes of the sign-in address that clients make in the portal: requested, mailed and confirmed."""
