"""What a run keeps on disk: folders, files written whole, checkpoints."""
