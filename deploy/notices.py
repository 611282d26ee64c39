"""Write the licences of all packages of an environment into one file, as the image carries them.

python deploy/notices.py THIRD_PARTY.txt
"""

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

INTRODUCTION: Final = """\
Third-party software in this image
==================================

Expression Lens is under the licences in /app/LICENSE, the weights of MTCNN under /app/weights/mtcnn.LICENSE,
ONNX Runtime Web under /app/static/device/onnxruntime/LICENSE (MIT; its version: README.md there).
The packages below come unchanged from the Python Package Index or PyTorch's index; https://pypi.org/project/NAME
leads to their source code. Packages of the system: /usr/share/doc/*/copyright.

GPL: the wheel of "av" (PyAV) contains FFmpeg with the encoders x264 and x265, which are under the GNU
General Public License, version 2 or later; with them, all of the program is used under that licence. Whoever
passes this image on also passes these libraries on, and must offer their source code. The sources, and how
they are built: https://github.com/PyAV-Org/PyAV and https://github.com/PyAV-Org/pyav-ffmpeg. To run the image
as a service is not to pass it on. The wheel of "opencv-python-headless" contains FFmpeg under the GNU Lesser
General Public License, version 2.1.
"""

NAMES: Final = ("licen", "copying", "notice", "authors", "copyright")
"""How the names of licence files begin."""


def licence_of(distribution: Distribution) -> str:
    """Return the licence that a package declares, in a line."""

    def values(field: str) -> list[str]:
        return distribution.metadata.get_all(field) or []

    classifiers = [
        text.rpartition(" :: ")[2] for text in values("Classifier") if text.startswith("License ::")
    ]
    first_lines = [text.strip().partition("\n")[0] for text in values("License")]
    declared = values("License-Expression") or classifiers or first_lines
    return "; ".join(filter(None, declared)) or "see its files"


def licence_files(distribution: Distribution) -> list[Path]:
    """Return the licence files that a package brings along."""
    files = [
        Path(str(distribution.locate_file(file)))
        for file in distribution.files or []
        if file.name.lower().startswith(NAMES) and file.suffix not in (".py", ".pyc")
    ]
    return [path for path in files if path.is_file()]


def section(distribution: Distribution) -> str:
    """Return the notice of one package: name, version, licence, address, and the texts of its files."""
    metadata = distribution.metadata
    title = f"{metadata['Name']} {distribution.version}"
    lines = [title, "-" * len(title), f"Licence: {licence_of(distribution)}"]
    lines += [
        f"https://pypi.org/project/{metadata['Name']}/{distribution.version.partition('+')[0]}/"
    ]
    for path in licence_files(distribution):
        lines += ["", f"[{path.name}]", path.read_text(encoding="utf-8", errors="replace").strip()]
    return "\n".join(lines)


def main() -> None:
    """Write the notices of the environment that runs this."""
    packages = sorted(distributions(), key=lambda each: each.metadata["Name"].lower())
    text = "\n\n\n".join([INTRODUCTION.strip(), *map(section, packages)])
    Path(sys.argv[1]).write_text(f"{text}\n", encoding="utf-8")
    print(f"{len(packages)} packages")


if __name__ == "__main__":
    main()
