"""Icons, default bench, example data: read through importlib.resources."""
