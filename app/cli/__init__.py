"""The command line: its verbs, their arguments, what a terminal or a program is shown."""
