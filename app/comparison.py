"""What the pages say where a face is compared with the same person's neutral one."""

from typing import Final

WHY: Final = (
    "A network compares each face with the average of all people. With the person's own neutral face it sees "
    "what moved."
)
BARS: Final = "Pale: the face alone. Full: compared with the neutral face."
