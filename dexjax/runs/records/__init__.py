"""What a run records: metrics, progress, curves, hours, where results come from."""
