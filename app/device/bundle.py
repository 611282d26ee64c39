"""The live page inside the browser as a folder for any web space: ``python -m app.device.bundle OUT``.

No Python runs behind it: OUT holds ``index.html`` and all that it loads. Browsers give the camera only to
pages from ``https://`` or ``localhost``.
"""

import argparse
import json
from pathlib import Path
from typing import Final

from app.device.files import device_files
from app.device.numbers import device_numbers
from app.device.runtime import MODULES, RUNTIME, content
from fer_core.files import make_folder
from fer_core.weights import WEIGHTS

PAGE: Final = Path(__file__).with_name("index.html")

LICENCES: Final = {
    "LICENSE.txt": Path(__file__).resolve().parents[2] / "LICENSE",
    "device/weights/mtcnn.LICENSE.txt": WEIGHTS / "mtcnn.LICENSE",
    "device/onnxruntime/LICENSE.txt": MODULES / RUNTIME / "LICENSE",
}
"""Licence texts that go along with the files."""


def write_bundle(folder: Path, model: str = "default") -> int:
    """Write the page and its files; return their size in bytes.

    Args:
        folder: where to write; other files in it stay.
        model: name of a model with a graph.

    Raises:
        UserError: if the folder cannot be written, or the model has no graph.
        WeightsError: if a file of a network is missing or altered.
    """
    contents = {
        "index.html": PAGE.read_bytes(),
        "device/numbers.json": json.dumps(device_numbers(model)).encode(),
        **{f"device/{name}": content(path) for name, path in device_files(model).items()},
        **{name: path.read_bytes() for name, path in LICENCES.items()},
    }
    for name, data in contents.items():
        path = folder / name
        make_folder(path.parent)
        path.write_bytes(data)
    return sum(map(len, contents.values()))


def main() -> None:
    """Write the folder that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="OUT")
    parser.add_argument("--model", default="default", help="a model with a graph")
    options = parser.parse_args()
    size = write_bundle(options.folder, options.model)
    print(f"{options.folder / 'index.html'}, {size / 1e6:.1f} MB with all files")


if __name__ == "__main__":
    main()
