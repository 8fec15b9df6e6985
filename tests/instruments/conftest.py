"""Puts this folder on the path of the tests below it: `virtual/` takes its sources from here."""
