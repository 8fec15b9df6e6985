"""Measured repeats from elsewhere: what a file holds, what it may mean, how it is read."""
