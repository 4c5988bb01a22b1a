"""The claw of docs/bring-your-own-hand.md: the smallest hand, for tests to change."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bring-your-own-hand.md"
DESCRIPTION = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
_FRAME = ("pos", "quat", "linvel", "angvel")


def _finger(name, side):
    return f"""
      <body name="{name}" pos="0 {0.06 * side} 0" gravcomp="1">
        <joint name="{name}" axis="0 0 {-side}" range="-0.3 1.2" damping="0.1"
               armature="0.001"/>
        <geom name="{name}" type="capsule" size="0.01" fromto="0.02 0 0 0.1 0 0"
              contype="1" conaffinity="7" mass="0.05"/>
        <site name="{name}tip" pos="0.1 0 0"/>
      </body>"""


def _wrist(index):
    name = f"wrist_{'ft'[index // 3]}{'xyz'[index % 3]}"
    gear = " ".join("1" if i == index else "0" for i in range(6))
    return (
        f'<general name="{name}" jointinparent="root" gear="{gear}" '
        'ctrlrange="-1 1" biastype="affine"/>'
    )


def claw_xml():
    """The MJCF file of the page's claw."""
    sensors = [
        f'<joint{kind} name="{joint}_{kind}" joint="{joint}"/>'
        for kind in ("pos", "vel")
        for joint in ("left", "right")
    ]
    for owner in ("palm", "lefttip", "righttip"):
        site = "palm_center" if owner == "palm" else owner
        sensors += [
            f'<frame{kind} name="{owner}_{kind}" objtype="site" objname="{site}"/>'
            for kind in _FRAME
        ]
        if owner != "palm":
            sensors += [
                f'<{kind} name="{owner}_{kind}" site="{site}"/>'
                for kind in ("force", "torque")
            ]
    return f"""
<mujoco model="claw">
  <compiler angle="radian" autolimits="true"/>
  <worldbody>
    <body name="palm" gravcomp="1">
      <joint name="root" type="free"/>
      <inertial pos="0 0 0" mass="0.5" diaginertia="0.004 0.004 0.004"/>
      <site name="palm_center" pos="0.07 0 0"/>
      <geom name="palm" type="box" size="0.01 0.05 0.03" contype="1" conaffinity="7"/>
      {_finger("left", 1)}{_finger("right", -1)}
    </body>
  </worldbody>
  <actuator>
    {"".join(map(_wrist, range(6)))}
    <position name="left" joint="left" kp="3" inheritrange="1"/>
    <position name="right" joint="right" kp="3" inheritrange="1"/>
  </actuator>
  <sensor>{"".join(sensors)}</sensor>
</mujoco>"""


def write_claw(folder, *changes, where="claw.xml"):
    """Writes the claw's files with (old, new) changes; the path of its description."""
    files = {"claw.xml": claw_xml(), "claw.yaml": DESCRIPTION}
    for old, new in changes:
        assert old in files[where]
        files[where] = files[where].replace(old, new, 1)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "claw.yaml"
