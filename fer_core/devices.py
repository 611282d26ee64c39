"""Where networks run: the names of torch's devices, checked before anything is loaded."""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Final

from fer_core.errors import UserError

KINDS: Final = ("cpu", "cuda", "mps")
"""Kinds of devices: processors, GPUs of NVIDIA (and of AMD, which torch names so too), GPUs of Apple."""


AMD_DRIVER: Final = Path("/dev/kfd")


def list_devices() -> tuple[str, ...]:
    """Return the devices of this machine, as torch names them; the CPU comes first."""
    import torch

    gpus = tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    cuda = ("cuda", *gpus) if torch.cuda.is_available() else ()
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return ("cpu", *cuda, *mps)


def choose_device(name: str = "auto", *, training: bool = False) -> str:
    """Return the device that a name stands for.

    Args:
        name: ``auto``, or a device of ``list_devices()``. ``auto`` is CUDA where there is a GPU for it, and
            the CPU otherwise.
        training: whether ``auto`` may choose Apple's MPS too. Training gains from any GPU; a prediction is a
            few small networks over one face, which nobody has measured on MPS.

    Raises:
        UserError: if this machine has no such device; the message names those it has.
    """
    if name == "cpu" or (name == "auto" and not training and not has_gpu_driver()):
        return "cpu"
    devices = list_devices()
    if name == "auto":
        gpus = ("cuda", "mps") if training else ("cuda",)
        return next((gpu for gpu in gpus if gpu in devices), "cpu")
    if name not in devices:
        available = ", ".join(devices)
        if name.partition(":")[0] in KINDS:
            raise UserError(f"there is no device {name!r} here; choose auto or one of {available}")
        kinds = ", ".join(("auto", *KINDS))
        raise UserError(
            f"unknown device {name!r}; choose one of {kinds}, of which this machine has {available}"
        )
    return name


@cache
def has_gpu_driver() -> bool:
    """Return whether there may be a GPU for torch's CUDA: NVIDIA's driver has one, or AMD's is there.

    The drivers are asked, since importing torch takes seconds and 800 MB.
    """
    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(library)
        except OSError:
            continue
        count = ctypes.c_int()
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value > 0
    return AMD_DRIVER.exists()


def limit_threads(count: int) -> None:
    """Set the CPU threads of OpenCV and torch for the whole process; ONNX Runtime always takes one.

    Torch reads the variable when it is imported; that is left to those who need it.
    """
    import cv2  # the command line asks for devices before it needs pictures

    cv2.setNumThreads(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
    else:
        os.environ["OMP_NUM_THREADS"] = str(count)
