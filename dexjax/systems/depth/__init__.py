"""End-to-end depth RL (2025): policies of depth cameras, trained by PPO alone."""
