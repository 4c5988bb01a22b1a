"""dexjax: dexterous-hand learning in JAX on MuJoCo."""
