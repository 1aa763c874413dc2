"""The databases of a test run: creating, choosing, copying and inspecting them."""
