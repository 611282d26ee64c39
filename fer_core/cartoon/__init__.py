"""Drawn faces that belong to nobody: characters, facial actions, expressions and exact landmarks."""

from fer_core.cartoon.actions import FaceActions, expression_actions
from fer_core.cartoon.anatomy import Pose
from fer_core.cartoon.canvas import Scene
from fer_core.cartoon.characters import CHARACTERS, Character, get_character
from fer_core.cartoon.drawing import Drawing, draw_face
from fer_core.cartoon.effects import Turn, action_effects, between, distance, smallest_turn
from fer_core.cartoon.portrait import move_face
from fer_core.cartoon.variation import RandomDrawing, draw_at_random

__all__ = [
    "CHARACTERS",
    "Character",
    "Drawing",
    "FaceActions",
    "Pose",
    "RandomDrawing",
    "Scene",
    "Turn",
    "action_effects",
    "between",
    "distance",
    "draw_at_random",
    "draw_face",
    "expression_actions",
    "get_character",
    "move_face",
    "smallest_turn",
]
