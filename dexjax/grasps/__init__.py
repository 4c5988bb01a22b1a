"""Grasp proposals: hand poses that hold an object, found by energy, then tried out.

After DexGraspNet (Wang et al., ICRA 2023): `synthesis` minimises an energy over wrist
pose and joint angles, `validation` keeps what holds the object in simulation.
"""
