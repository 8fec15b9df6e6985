"""What the user can do, and the ways to do it."""
