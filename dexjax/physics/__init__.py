"""Engines that step many copies of a scene."""
