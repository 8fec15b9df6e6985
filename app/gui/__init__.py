"""The window: PyQt6 and pyqtgraph live only here."""
