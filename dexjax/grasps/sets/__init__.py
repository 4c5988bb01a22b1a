"""Sets of stable in-hand grasps, as graphs (DexterityGen, section III-A)."""
