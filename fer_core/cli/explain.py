"""``explain``: the class activation map of a face as picture and numbers."""

from pathlib import Path
from typing import Annotated

import typer

from fer_core.cli.options import Device, FaceDetector, Model
from fer_core.errors import UserError
from fer_core.files import make_folder, replaced


def explain(
    image: Annotated[Path, typer.Argument(help="An image with a face.")],
    out: Annotated[Path, typer.Option(help="Folder for the picture and the numbers.")],
    target: Annotated[str, typer.Option(help="A class, or top for the likeliest.")] = "top",
    method: Annotated[str, typer.Option(help="A class activation method.")] = "gradcam",
    model: Model = "default",
    detector: FaceDetector = "mtcnn",
    device: Device = "auto",
) -> None:
    """Write the class activation map of the largest face, as IMAGE-MODEL-CLASS-METHOD.png and .json."""
    from fer_core.analyzer import Analyzer
    from fer_core.draw.overlay import OverlayStyle, draw_overlay
    from fer_core.export import by_class, json_text, png_bytes
    from fer_core.images import decode_image

    decoded = decode_image(image)
    for note in decoded.notes:
        typer.echo(f"note: {image}: {note}", err=True)
    frame = decoded.pixels
    result = Analyzer(model, detector, device).analyze(frame, maps=(target,), method=method)
    if not result.readings:
        raise UserError(f"{image}: no face was found; try a larger or brighter picture")
    explanation = result.explanations[0][0]
    make_folder(out)
    if explanation.method != method:
        typer.echo(f"{model} has no feature maps for {method}: explained by {explanation.method}")
    reading = result.readings[0]
    stem = f"{image.stem}-{reading.model}-{explanation.target}-{explanation.method}"
    numbers = {
        "path": str(image),
        "model": reading.model,
        "target": explanation.target,
        "method": explanation.method,
        "raw": explanation.raw.tolist(),
        "region_share": dict(explanation.region_share),
        "is_flat": explanation.is_flat,
        "probabilities": by_class(reading.probabilities),
    }
    with replaced(out / f"{stem}.png", inputs=[image]) as beside:
        beside.write_bytes(png_bytes(draw_overlay(frame, result, OverlayStyle())))
    with replaced(out / f"{stem}.json") as beside:
        beside.write_text(json_text(numbers), encoding="utf-8")
    typer.echo(f"{out / stem}.png and {stem}.json")
