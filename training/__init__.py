"""Windows, objectives, metrics with floors, fit, train, tasks, baselines; never sees hardware."""
