"""Facial actions under the names of the Facial Action Coding System (FACS, Ekman, Friesen and Hager 2002)."""

from collections.abc import Mapping
from typing import Final

ACTION_UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "AU1": ("browInnerUp",),
    "AU2": ("browOuterUpLeft", "browOuterUpRight"),
    "AU4": ("browDownLeft", "browDownRight"),
    "AU5": ("eyeWideLeft", "eyeWideRight"),
    "AU6": ("cheekSquintLeft", "cheekSquintRight"),
    "AU7": ("eyeSquintLeft", "eyeSquintRight"),
    "AU9": ("noseSneerLeft", "noseSneerRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU16": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU22": ("mouthFunnel",),
    "AU24": ("mouthPressLeft", "mouthPressRight"),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Action unit -> the facial actions that show it (M. Ozel, "ARKit to FACS cheat sheet",
https://melindaozel.com/arkit-to-facs-cheat-sheet). AU26 stands for AU26 and AU27 together."""


def action_units(actions: Mapping[str, float]) -> dict[str, float]:
    """Return the activation of each action unit, 0..1: the mean of the actions that show it.

    They are no intensities A to E as trained people code them.

    Args:
        actions: facial action -> activation, 0..1, with all of ``ACTIONS``.
    """
    return {
        unit: sum(actions[name] for name in names) / len(names)
        for unit, names in ACTION_UNITS.items()
    }
