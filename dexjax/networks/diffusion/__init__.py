"""What draws motions of a hand and follows them: networks, sampler, sizes."""
