"""Virtual environments that benchmarks make, and what runs in them."""
