"""Schemas of what is made of models; a library asks for them without loading the models."""

from __future__ import annotations

TWIN = 2
NETWORK = 4
NETWORKS = (2, 3, NETWORK)
"""What can be read; the last is written."""
DEPLOYMENT = 2
