"""What `storage.py` compares, and on what."""
