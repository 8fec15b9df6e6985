"""One page of a run: what was measured, beside floors and baselines, and how to do it again."""
