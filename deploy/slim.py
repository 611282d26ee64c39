"""Remove from an environment what no page needs: most of CUDA, headers, and build tools of PyTorch.

    python3 deploy/slim.py SITE_PACKAGES deploy/keep-cuda.txt

On the ordinary index PyTorch for Linux depends on all of CUDA. It starts with the libraries that it links,
which ``keep-cuda.txt`` lists; an environment with PyTorch's CPU build has none of them.
"""

import shutil
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

UNUSED: Final = ("torch/include", "torch/share", "torch/test", "triton")
"""Folders of site-packages for those who compile extensions or kernels."""


def removable(site: Path, kept: Collection[str]) -> Iterator[Path]:
    """Yield the files and folders to remove.

    Args:
        site: the folder site-packages.
        kept: paths of CUDA libraries below it that stay.

    Raises:
        FileNotFoundError: where CUDA is installed, but not all libraries that PyTorch links.
    """
    yield from (site / name for name in UNUSED if (site / name).exists())
    if not (site / "nvidia").is_dir():
        return
    missing = sorted(name for name in kept if not (site / name).is_file())
    if missing:
        raise FileNotFoundError(f"keep-cuda.txt is not of this version of PyTorch: no {missing[0]}")
    for path in (site / "nvidia").rglob("*"):
        if path.is_file() and path.relative_to(site).as_posix() not in kept:
            yield path


def size(path: Path) -> int:
    """Return the bytes of a file or folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def main() -> None:
    """Remove what no page needs, and print how much that was."""
    site, keep = map(Path, sys.argv[1:3])
    kept = set(keep.read_text(encoding="utf-8").split())
    freed = 0
    for path in list(removable(site, kept)):
        freed += size(path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(f"{freed / 1e6:.0f} MB removed")


if __name__ == "__main__":
    main()
