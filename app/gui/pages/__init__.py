"""The pages of the window, in workflow order."""
