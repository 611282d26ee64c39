"""Draw a face that belongs to nobody, with its landmarks."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.cartoon.actions import FaceActions
from fer_core.cartoon.anatomy import Pose, landmarks
from fer_core.cartoon.canvas import Canvas, Scene, mixed
from fer_core.cartoon.characters import Character, Color
from fer_core.geometry import smooth_curve
from fer_core.types import Floats, Image

FINE: Final = 2
"""Factor by which a drawing is made larger and then averaged."""

LIGHT_HAIR: Final = 330
"""Sum of red, green and blue from which hair is light."""

INK: Final[Color] = (46, 30, 26)
MOUTH: Final[Color] = (58, 18, 22)
TONGUE: Final[Color] = (176, 84, 88)
TEETH: Final[Color] = (244, 240, 232)
PUPIL: Final[Color] = (16, 12, 12)
WHITE: Final[Color] = (240, 238, 234)
FRAME: Final[Color] = (34, 34, 40)


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A drawn face."""

    image: Image
    """(S, S, 3) RGB uint8."""
    landmarks: Floats
    """(78, 2) in pixels, counted from pixel edges."""


def draw_face(
    character: Character,
    actions: FaceActions,
    pose: Pose | None = None,
    scene: Scene | None = None,
    *,
    size: int = 256,
) -> Drawing:
    """Draw a character with facial actions.

    Args:
        size: side of the picture in pixels.
    """
    painter = _Painter(character, actions, pose or Pose(), scene or Scene(), size * FINE)
    painter.paint()
    image = cv2.resize(painter.pixels, (size, size), interpolation=cv2.INTER_AREA)
    points = painter.to_pixels(painter.points) / FINE
    return Drawing(np.asarray(image, np.uint8), np.asarray(points, np.float32))


class _Painter(Canvas):
    """Paints the parts of a face, from the back to the front."""

    def __init__(
        self, character: Character, actions: FaceActions, pose: Pose, scene: Scene, side: int
    ) -> None:
        super().__init__(character, pose, scene, side)
        self.actions = actions
        self.points = landmarks(character, actions, pose)

    def paint(self) -> None:
        """Paint everything."""
        self.hair_behind()
        self.body()
        self.head()
        self.shading()
        for number in (0, 1):
            self.eye(number)
        self.nose()
        self.beard()
        self.mouth()
        self.brows()
        self.hair_in_front()
        self.glasses()

    def hair_behind(self) -> None:
        """Draw what of the hair is behind the head."""
        style, hair = self.character.hair_style, self.character.hair
        length = self.character.length
        if style == "long":
            self.fill(self.ellipse(0, -0.1, 1.28, 1.38 * length, 2.0), hair)
        elif style == "curly":
            for angle in np.linspace(np.pi, 2 * np.pi, 9):
                x, y = 1.02 * np.cos(angle), -0.35 + 0.95 * np.sin(angle) * length
                self.fill(self.ellipse(x, y, 0.38, 0.38, 0.38), hair)
        elif style == "scarf":
            self.fill(self.ellipse(0, 0.0, 1.24, 1.5 * length, 1.75), hair)
        elif style == "bun":
            self.fill(self.ellipse(0, -1.55 * length, 0.42, 0.36, 0.36), hair)
            self.fill(self.ellipse(0, -0.3, 1.12, 1.2 * length, 0.7), hair)
        elif style == "bald":
            self.fill(self.ellipse(0, -0.3, 1.1, 0.5 * length, 0.4), hair)
        elif style == "short":
            self.fill(self.ellipse(0, -0.35, 1.1, 1.12 * length, 0.6), hair)

    def body(self) -> None:
        """Draw neck and shoulders."""
        neck = self.tone(0.82)
        y = self.character.length
        self.fill(
            np.array([(-0.5, 0.7), (0.5, 0.7), (0.56, 2.2 * y), (-0.56, 2.2 * y)], np.float32), neck
        )
        shoulders = [
            (-2.4, 3.6),
            (-2.0, 2.25),
            (-0.62, 1.86),
            (0, 2.05),
            (0.62, 1.86),
            (2.0, 2.25),
            (2.4, 3.6),
        ]
        self.fill(np.array(shoulders, np.float32), self.character.clothes)

    def head(self) -> None:
        """Draw ears and face."""
        if self.character.hair_style != "scarf":
            for side in (-1, 1):
                ear = self.on_face((side * 1.0, 0.06))[0]
                self.fill(
                    self.ellipse(float(ear[0]), float(ear[1]), 0.14, 0.24, 0.24), self.tone(0.88)
                )
        self.fill(self.outline(), self.tone(1.0))
        self.line(self.outline(), 0.02, self.tone(0.62), closed=True)

    def outline(self) -> Floats:
        """Return the outline of the face: the jaw, and the forehead above it."""
        jaw = self.points[:17]
        angles = np.linspace(0, np.pi, 20)[1:-1]
        skull = self.on_face(
            *((float(np.cos(a)), -0.1 - 1.16 * float(np.sin(a)) ** 0.9) for a in angles)
        )
        return np.concatenate([jaw, skull])

    def shading(self) -> None:
        """Light and shadow: what makes a detector believe in a face."""
        before, a, age = self.pixels.copy(), self.actions, self.character.age
        dark, light, blush = self.tone(0.55), self.tone(1.18), self.tone(0.92, (200, 90, 90))
        lamp = self.scene.light
        self.shade((-1.0, 0.35), (0.4, 1.2), 0.42 + 0.4 * max(lamp, 0), dark)
        self.shade((1.0, 0.35), (0.4, 1.2), 0.42 - 0.4 * min(lamp, 0), dark)
        self.shade((0, 1.5), (1.1, 0.35), 0.45, dark)
        self.shade((0.3 * lamp, -0.75), (0.7, 0.4), 0.35, light)
        for side in (-1, 1):
            self.shade((side * 0.42, -0.13), (0.3, 0.2), 0.42, dark)  # eye sockets
            self.shade((side * 0.14, -0.12), (0.1, 0.18), 0.35, dark)  # beside the bridge
            self.shade(
                (side * 0.42, 0.14), (0.24, 0.07), 0.12 + 0.3 * age + 0.2 * a.eye_squint, dark
            )
            rise = 0.1 * (a.cheek_raise + self.smile)
            self.shade((side * 0.58, 0.42 - rise), (0.28, 0.24), 0.3 + 0.15 * self.smile, blush)
            self.shade((side * 0.52, 0.34 - rise), (0.2, 0.16), 0.3 + 0.25 * a.cheek_raise, light)
            fold = 0.12 + 0.35 * age + 0.6 * self.smile + 0.4 * a.nose_sneer + 0.25 * a.stretch
            self.crease(
                [(side * 0.2, 0.4), (side * 0.38, 0.56), (side * (0.5 + 0.06 * self.smile), 0.76)],
                fold,
            )
        self.shade((0, 0.14), (0.09, 0.28), 0.5, light)  # bridge of the nose
        self.shade((0, 0.5), (0.2, 0.06), 0.5, dark)  # below the nose
        self.shade((0, 1.02 + 0.22 * a.jaw_open), (0.28, 0.07), 0.4, dark)  # below the lip
        self.shade((0, 1.2 + 0.2 * a.jaw_open), (0.2, 0.12), 0.3, light)  # chin
        self.wrinkles()
        self.keep_within(self.mask(self.outline()), before)

    @property
    def smile(self) -> float:
        """Mean of both corners."""
        return (self.actions.smile_left + self.actions.smile_right) / 2

    def wrinkles(self) -> None:
        """Draw the folds that actions make on brow and nose."""
        a, age = self.actions, self.character.age
        if (raised := max(a.brow_outer_up, 0.8 * a.brow_inner_up)) > 0.2:
            for y in (-0.72, -0.84):
                width = 0.5 if a.brow_outer_up > 0.3 else 0.24
                self.crease([(-width, y), (0, y - 0.03), (width, y)], 0.3 * raised * (0.6 + age))
        if a.brow_down > 0.2:
            for side in (-1, 1):
                self.crease([(side * 0.07, -0.4), (side * 0.1, -0.22)], 1.1 * a.brow_down)
        if a.nose_sneer > 0.2:
            for y in (-0.02, 0.08):
                self.crease([(-0.14, y), (0, y - 0.05), (0.14, y)], 0.8 * a.nose_sneer)

    def eye(self, number: int) -> None:
        """Draw one eye: white, iris and lids."""
        lids = self.points[36 + 6 * number : 42 + 6 * number]
        iris = self.points[68 + 5 * number : 73 + 5 * number]
        shape = smooth_curve(lids, closed=True)
        closed = (self.actions.blink_left, self.actions.blink_right)[number]
        if closed < 0.85:
            before = self.pixels.copy()
            self.fill(shape, WHITE)
            center, radius = iris[0], float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
            self.disc(center, radius, INK)
            self.disc(center, 0.88 * radius, self.character.eyes)
            self.disc(center, 0.45 * radius, PUPIL)
            self.disc(center - np.float32(0.35 * radius), 0.2 * radius, WHITE)
            self.keep_within(self.mask(shape), before)
        upper = smooth_curve(lids[:4], closed=False)
        self.line(upper, 0.045, INK)
        self.line(smooth_curve(lids[[3, 4, 5, 0]], closed=False), 0.014, self.tone(0.5))
        self.line(upper - (0, 0.07 - 0.03 * self.actions.eye_wide), 0.014, self.tone(0.62))

    def nose(self) -> None:
        """Draw wings and nostrils."""
        base = self.points[31:36]
        self.line(smooth_curve(base, closed=False), 0.02, self.tone(0.6))
        for number, side in ((1, -1), (3, 1)):
            nostril = base[number] + (0.02 * side, -0.012)
            self.fill(self.spot(nostril, 0.05, 0.024), self.tone(0.35))
        for number, side in ((0, -1), (4, 1)):
            wing = np.stack(
                [
                    base[number] + (0.02 * side, -0.08),
                    base[number] + (0.04 * side, -0.02),
                    base[number],
                ]
            )
            self.line(np.asarray(wing, np.float32), 0.018, self.tone(0.62))

    def mouth(self) -> None:
        """Draw the inside of the mouth, teeth and lips."""
        outer, inner = self.points[48:60], self.points[60:68]
        lips = self.character.lips
        dark_lip = mixed(lips, INK, 0.25)
        self.fill(smooth_curve(outer, closed=True), lips)
        upper = np.concatenate(
            [
                smooth_curve(outer[:7], closed=False),
                smooth_curve(inner[[4, 3, 2, 1, 0]], closed=False),
            ]
        )
        self.fill(upper, dark_lip)
        gap = float(np.linalg.norm(inner[6] - inner[2]))
        if gap > 0.03:
            opening = smooth_curve(inner, closed=True)
            self.fill(opening, MOUTH)
            self.teeth(inner, gap)
        else:
            self.line(smooth_curve(inner[:5], closed=False), 0.026, mixed(lips, INK, 0.7))
        self.line(smooth_curve(outer[:7], closed=False), 0.012, mixed(lips, INK, 0.45))
        for corner in (outer[0], outer[6]):
            self.fill(self.spot(corner, 0.03, 0.022), self.tone(0.45))

    def teeth(self, inner: Floats, gap: float) -> None:
        """Draw the upper teeth as far as the lip shows them, and the tongue of a wide open mouth."""
        a = self.actions
        shown = min(
            gap,
            0.05 + 0.1 * self.smile + 0.1 * a.upper_lip_up + 0.05 * a.stretch + 0.03 * a.jaw_open,
        )
        top = smooth_curve(inner[:5], closed=False)
        down = (inner[6] - inner[2]) / max(gap, 1e-6)
        taper = np.sin(np.linspace(0, np.pi, len(top)))[:, None] ** 0.6
        self.fill(
            np.concatenate([top, (top + down * shown * taper)[::-1]]).astype(np.float32), TEETH
        )
        if gap > 0.2:
            self.fill(self.spot(inner[6] - down * 0.06, 0.13, 0.07), TONGUE)

    def brows(self) -> None:
        """Draw both brows, thicker inside; darker than hair that is light or hidden."""
        hair, style = self.character.hair, self.character.hair_style
        is_dark = sum(hair) <= LIGHT_HAIR and style != "scarf"
        color = hair if is_dark else mixed(hair, INK, 0.6)
        for left in (True, False):
            brow = self.points[17:22] if left else self.points[22:27]
            line = smooth_curve(brow, closed=False)
            widths = np.linspace(0.6, 1.0, len(line)) if left else np.linspace(1.0, 0.6, len(line))
            half = (0.045 * self.character.brow * widths)[:, None] * np.array((0.0, 1.0))
            self.fill(np.concatenate([line - half, (line + half)[::-1]]).astype(np.float32), color)

    def beard(self) -> None:
        """Draw a soft beard along the jaw, and a moustache."""
        if self.character.beard <= 0:
            return
        jaw, nose, mouth = self.points[1:16], self.points[31:36], self.points[48:60]
        beside = np.array((0.09, -0.02), np.float32)
        right, left = mouth[6] + beside, mouth[0] + beside * (-1, 1)
        below_lip = mouth[9] + np.array((0.0, 0.07), np.float32)
        upper = self.on_face((0.88, 0.25), (0.64, 0.56), (-0.64, 0.56), (-0.88, 0.25))
        cheeks = np.stack([*jaw, *upper[:2], right, below_lip, left, *upper[2:]])
        moustache = np.stack([left, *(nose[[0, 2, 4]] + (0, 0.06)), right, *mouth[6::-1]])
        mask = self.mask(cheeks, moustache)
        soft = cv2.blur(mask, (self.side // 48, self.side // 48))
        before = self.pixels.copy()
        self.pixels[:] = self.character.hair
        self.keep_within(np.asarray(soft * self.character.beard, np.uint8), before)

    def hair_in_front(self) -> None:
        """Draw the hair over the forehead, or the edge of a scarf."""
        style, hair = self.character.hair_style, self.character.hair
        if style == "bald":
            return
        across, hairline = (1.14, 0.76) if style == "scarf" else (1.06, 0.82)
        angles = np.linspace(np.pi, 2 * np.pi, 24)
        over, under = (
            self.on_face(
                *((wide * float(np.cos(a)), -0.1 + high * float(np.sin(a))) for a in order)
            )
            for wide, high, order in ((across, 1.26, angles), (0.97, hairline, angles[::-1]))
        )
        self.fill(np.concatenate([over, under]).astype(np.float32), hair)
        self.line(under, 0.02, mixed(hair, (0, 0, 0), 0.35))

    def glasses(self) -> None:
        """Draw round glasses, if the character wears any."""
        if not self.character.glasses:
            return
        for eye in (self.points[36:42], self.points[42:48]):
            rim = self.spot(eye.mean(axis=0), 0.33, 0.27)
            self.line(rim, 0.035, FRAME, closed=True)
        bridge = np.stack([self.points[39] + (0.1, -0.05), self.points[42] - (0.1, 0.05)])
        self.line(np.asarray(bridge, np.float32), 0.035, FRAME)
