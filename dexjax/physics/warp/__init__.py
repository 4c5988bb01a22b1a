"""MuJoCo Warp: the fast engine on NVIDIA GPUs."""
