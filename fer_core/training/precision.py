"""The precision of training, and which devices compute it."""

from typing import Final, Literal, get_args

import torch

from fer_core.errors import UserError

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
"""Lightning's names: float32, and mixed precision with bfloat16 or float16 (Micikevicius et al. 2018)."""

PRECISIONS: Final = ("auto", *get_args(Precision))


def choose_precision(name: str, device: str) -> Precision:
    """Return the precision that a name stands for.

    Args:
        name: one of ``PRECISIONS``. ``auto`` is bf16 where the GPU or the processor computes it, and float32
            elsewhere.
        device: as torch names it.

    Raises:
        UserError: if the device does not train in this precision; the message names those it has.
    """
    usable = usable_precisions(device)
    if name == "auto":
        return "bf16-mixed" if "bf16-mixed" in usable else "32-true"
    for precision in usable:
        if name == precision:
            return precision
    choices = ", ".join(("auto", *usable))
    raise UserError(f"{device} does not train in precision {name!r}; choose one of {choices}")


def usable_precisions(device: str) -> tuple[Precision, ...]:
    """Return the precisions that a device computes itself.

    Processors without the instructions emulate bf16: they train ten times slower, and LSTMs not at all. GPUs
    before NVIDIA's Ampere emulate it too. float16 needs a GPU; MPS trains in float32.
    """
    if device.startswith("cuda"):
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return ("32-true", "bf16-mixed", "16-mixed")
        return ("32-true", "16-mixed")
    if device == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return ("32-true", "bf16-mixed")
    return ("32-true",)
