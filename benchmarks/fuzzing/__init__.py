"""Inputs with something wrong in them, and the process that they are given to."""
