"""What benchmarks share that kill what they measure."""
