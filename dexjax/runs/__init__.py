"""What surrounds a run: its folder, checkpoints, metrics, pictures and figures."""
