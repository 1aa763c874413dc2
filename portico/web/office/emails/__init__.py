"""The Emails page, and notices of unusual sign-in activity."""
