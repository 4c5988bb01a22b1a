"""DexterityGen (2025): presets and pipeline."""
