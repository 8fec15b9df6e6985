"""One file a model; each reads like the manual's command table."""
