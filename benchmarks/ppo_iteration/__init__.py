"""What a PPO iteration is made of and what was changed in it, as measurements."""
