"""The live page inside the browser: it reads faces as Python does, and keeps them to itself."""

import base64
import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.device.bundle import write_bundle
from app.device.numbers import device_numbers
from app.film import film_frame
from app.samples import SAMPLES
from benchmarks.driver import Browser, Page, Server, serve, wait_for
from fer_core import EXPRESSIONS, Analyzer, Stream, StreamSettings, load_model
from fer_core.faces.alignment import PASSES
from fer_core.geometry import box_iou
from fer_core.types import Image
from tests.conftest import ClipFrames

pytestmark = pytest.mark.e2e

START = '.device button[name="start"]:enabled'

READ_FRAMES = """async ({ numbers, frames, alone }) => {
    const { loadNetworks } = await import("/device/networks.js")
    const { Stream } = await import("/device/stream.js")
    const networks = await loadNetworks(numbers, new URL("/device/", location))
    const stream = new Stream(networks, numbers)
    const answers = []
    for (const [n, frame] of frames.entries()) {
        const bytes = await (await fetch("data:image/png;base64," + frame)).blob()
        const picture = await createImageBitmap(bytes, { colorSpaceConversion: "none" })
        const canvas = new OffscreenCanvas(picture.width, picture.height)
        const context = canvas.getContext("2d")
        context.drawImage(picture, 0, 0)
        if (alone) stream.reset()
        const { faces } = await stream.push(context.getImageData(0, 0, picture.width, picture.height), n / 10)
        answers.push(faces.map(face => ({
            box: [...face.box], probabilities: [...face.probabilities], evidence: [...face.evidence],
            landmarks: [...face.landmarks], track: face.track, label: numbers.expressions[face.label],
        })))
    }
    return answers
}"""
"""Reads frames in the page, as a stream or each alone, and returns what is read of every face."""

READ_CROPS = """async ({ numbers, frames }) => {
    const { loadNetworks } = await import("/device/networks.js")
    const { Describer } = await import("/device/landmarks.js")
    const { Classifier } = await import("/device/classifier.js")
    const { toGray, toRgb } = await import("/device/pixels.js")
    const networks = await loadNetworks(numbers, new URL("/device/", location))
    const describer = new Describer(networks, numbers.landmarks)
    const classifier = new Classifier(networks.classifier, numbers.card, numbers.layout)
    const answers = []
    for (const frame of frames) {
        const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + frame)).blob())
        const { width, height } = picture
        const context = new OffscreenCanvas(width, height).getContext("2d")
        context.drawImage(picture, 0, 0)
        const gray = toGray(toRgb(context.getImageData(0, 0, width, height)))
        let points = numbers.layout.mean_points.map(value => value * width)
        for (let n = 0; n < numbers.passes; n++) {
            points = describer.five((await describer.find(gray, points)).landmarks)
        }
        const [face] = await classifier.predict(gray, [{ points }])
        answers.push({ probabilities: classifier.calibrate(face.logits), evidence: [...face.evidence] })
    }
    return answers
}"""
"""Reads bare crops of faces, as datasets have them."""


def encoded(image: Image) -> str:
    """Return a picture as a PNG in base64."""
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes()).decode()


def read_in_browser(
    page: Page, server: Server, frames: list[Image], *, alone: bool = False
) -> list[list[dict[str, Any]]]:
    """Return what the modules read in each frame."""
    page.goto(f"{server.url}/device/device.css")
    given = {"numbers": device_numbers(), "frames": [*map(encoded, frames)], "alone": alone}
    answers: list[list[dict[str, Any]]] = page.evaluate(READ_FRAMES, given)
    return answers


def correlation(first: list[float], second: Any) -> float:
    return float(np.corrcoef(first, np.ravel(second))[0, 1])


def test_a_film_is_read_in_the_browser_as_in_python(page: Page, server: Server) -> None:
    frames = [film_frame(number) for number in range(0, 60, 2)]
    stream = Stream(Analyzer(threads=1), StreamSettings(maps=()))
    expected = [stream.push(frame, time=n / 10).readings for n, frame in enumerate(frames)]
    answers = read_in_browser(page, server, frames)
    for faces, readings in zip(answers, expected, strict=True):
        assert len(faces) == len(readings) == 1
        (face,), (reading,) = faces, readings
        assert face["track"] == reading.face.track_id
        assert face["box"] == pytest.approx(reading.face.box, abs=0.03 * reading.face.width)
        assert reading.face.landmarks is not None
        distances = np.reshape(face["landmarks"], (-1, 2)) - reading.face.landmarks
        assert np.linalg.norm(distances, axis=1).mean() < 0.01 * reading.face.width
        assert face["probabilities"] == pytest.approx(reading.probabilities.tolist(), abs=0.03)
        assert correlation(face["evidence"], reading.evidence) > 0.99
    labels = [reading.label for (reading,) in expected]
    assert np.mean([f["label"] == each for (f,), each in zip(answers, labels, strict=True)]) > 0.9
    assert len(set(labels)) > 2, "the film shows several expressions"


def test_samples_are_read_in_the_browser_as_in_python(page: Page, server: Server) -> None:
    pictures = [make() for make in SAMPLES.values()]
    analyzer = Analyzer(threads=1)
    for faces, picture in zip(
        read_in_browser(page, server, pictures, alone=True), pictures, strict=True
    ):
        readings = analyzer.analyze(picture, maps=()).readings
        assert len(faces) == len(readings)
        for face, reading in zip(faces, readings, strict=True):
            assert face["probabilities"] == pytest.approx(reading.probabilities.tolist(), abs=0.02)


def test_two_hundred_faces_are_read_in_the_browser_as_in_python(
    page: Page, server: Server, shared: Callable[[str], Path]
) -> None:
    sets = {"fer2013/PublicTest.webp": 48, "faces_lfw/part-0.webp": 128}
    crops = []
    for name, side in sets.items():
        mosaic = cv2.imread(str(shared(f"data/{name}")), cv2.IMREAD_GRAYSCALE)
        assert mosaic is not None
        rows, columns = (length // side for length in mosaic.shape)
        tiles = mosaic.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
        crops += [np.asarray(tile, np.uint8) for tile in tiles[:100]]
    classifier = load_model("default")
    aligned = classifier.align(crops)
    predictions = classifier.forward(aligned)
    expected = classifier.calibrate(predictions.logits)
    page.goto(f"{server.url}/device/device.css")
    given = {"numbers": {**device_numbers(), "passes": PASSES}, "frames": [*map(encoded, crops)]}
    answers = page.evaluate(READ_CROPS, given)
    probabilities = np.array([answer["probabilities"] for answer in answers])
    assert predictions.evidence is not None
    maps = [
        correlation(answer["evidence"], evidence)
        for answer, evidence in zip(answers, predictions.evidence, strict=True)
    ]
    # Landmarks are found three times over, and a rounding in the last bit may turn a pixel: Python's own two
    # runtimes agree to 0.01 on 98.5 % of 800 such faces, browser and Python on 98.9 %.
    close = np.abs(probabilities - expected).max(axis=1) <= 0.01
    same = probabilities.argmax(axis=1) == expected.argmax(axis=1)
    print(f"within 0.01: {close.mean():.3f}; same class: {same.mean():.3f}; maps: {min(maps):.4f}")
    assert close.mean() >= 0.98 and same.mean() >= 0.99 and min(maps) >= 0.99


def test_faces_of_a_clip_have_the_boxes_of_python(
    page: Page, server: Server, clip_frames: ClipFrames
) -> None:
    frames = list(clip_frames("WolfgangLanger_Pexels.mp4", 12))[:25]
    stream = Stream(Analyzer(threads=1), StreamSettings(maps=()))
    expected = [stream.push(frame, time=n / 10).readings for n, frame in enumerate(frames)]
    answers = read_in_browser(page, server, frames)
    overlaps = [
        float(box_iou([face["box"]], [reading.face.box])[0, 0])
        for faces, readings in zip(answers, expected, strict=True)
        for face, reading in zip(faces, readings, strict=True)
    ]
    assert len(overlaps) >= 20 and np.mean(np.array(overlaps) >= 0.9) >= 0.95


@pytest.fixture
def live(page: Page, server: Server) -> Page:
    """Open the live page inside the browser, before Start."""
    page.goto(f"{server.url}/live")
    page.get_by_role("radio", name="On this device").click()
    page.locator(START).wait_for()
    return page


def answer(page: Page) -> list[list[float]]:
    """Return the probabilities of each face in the picture that is shown."""
    text = page.locator(".device .stage canvas").get_attribute("data-answer")
    return json.loads(text) if text else []


def wait_for_happy(page: Page) -> None:
    """Wait for the answer to the webcam's smiling face."""
    wait_for(lambda: [face for face in answer(page) if max(face) == face[3] > 0.7], "happy")


def test_the_camera_is_read_and_no_picture_leaves_the_browser(live: Page) -> None:
    sent: list[str] = []
    live.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    live.on("websocket", lambda socket: sent.append(socket.url))
    live.locator(START).click()
    wait_for_happy(live)
    frames = live.locator(".device .meter")
    wait_for(lambda: "frames so far" in (frames.text_content() or ""), "the meter")
    first = frames.text_content()
    wait_for(lambda: frames.text_content() != first, "more frames")
    assert sent == []


def test_the_picture_goes_on_without_the_server(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("server") / "log.txt"
    page = browser.new_page()
    with serve(log) as own:
        page.goto(f"{own.url}/live")
        page.get_by_role("radio", name="On this device").click()
        page.locator(START).click()
        wait_for_happy(page)
    meter = page.locator(".device .meter")
    last = meter.text_content()
    wait_for(lambda: meter.text_content() != last, "frames after the end of the server")
    wait_for_happy(page)
    page.close()


def pixels(page: Page) -> str:
    """Return the picture that is shown."""
    shown: str = page.locator(".device .stage canvas").evaluate("canvas => canvas.toDataURL()")
    return shown


def test_controls_change_the_picture_and_it_can_be_saved(live: Page) -> None:
    live.locator(START).click()
    wait_for_happy(live)
    live.get_by_role("button", name="Pause").click()
    paused = pixels(live)
    live.get_by_role("button", name="Landmarks").click()
    assert pixels(live) != paused, "landmarks are drawn into the paused picture"
    with live.expect_download() as download:
        live.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "expression-lens.png"
    live.get_by_role("button", name="Go on").click()
    wait_for(lambda: pixels(live) != paused, "the picture goes on")
    live.get_by_role("button", name="Stop").click()
    live.get_by_text("Camera off.").wait_for()


def test_the_last_minute_is_drawn_on_the_device(live: Page) -> None:
    live.locator(START).click()
    wait_for_happy(live)
    live.get_by_role("button", name="Last minute").click()
    chart = live.locator(".device .chart canvas")
    wait_for(lambda: "Now: angry" in (chart.get_attribute("aria-label") or ""), "the chart")
    assert live.locator(".device .legend span").all_text_contents() == list(EXPRESSIONS)


def test_a_photo_is_read_and_a_bad_file_is_refused(live: Page, tmp_path: Path) -> None:
    photo, text = tmp_path / "photo.png", tmp_path / "notes.jpg"
    cv2.imwrite(str(photo), cv2.cvtColor(film_frame(20), cv2.COLOR_RGB2BGR))
    text.write_text("no picture")
    live.locator('.device input[name="photo"]').set_input_files(text)
    live.get_by_text("notes.jpg cannot be opened as a picture").wait_for()
    live.locator('.device input[name="photo"]').set_input_files(photo)
    wait_for(lambda: len(answer(live)) == 1, "the answer")


def refused(name: str) -> str:
    """Return a script after which the camera cannot be opened."""
    return f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{name}') }}"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            refused("NotAllowedError"),
            "Allow it with the symbol beside the address",
        ),
        (
            refused("NotFoundError"),
            "No camera was found. Plug one in",
        ),
        (
            refused("NotReadableError"),
            "Another program has the camera. Close it",
        ),
        (
            "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })",
            "Open this page by its HTTPS address",
        ),
    ],
    ids=["denied", "missing", "busy", "insecure"],
)
def test_a_camera_that_cannot_be_used_is_explained_in_the_browser(
    page: Page, server: Server, script: str, sentence: str
) -> None:
    page.add_init_script(script)
    page.goto(f"{server.url}/live")
    page.get_by_role("radio", name="On this device").click()
    page.locator(START).click()
    page.get_by_text(sentence).wait_for()


@pytest.mark.parametrize(
    ("name", "spoil", "sentence"),
    [
        ("weights/landmarks.safetensors", "404", "A file of the networks is missing"),
        ("weights/onet.onnx", "other", "A file of the networks is damaged"),
        ("onnxruntime/ort-wasm-simd-threaded.wasm", "other", "A file of the networks is damaged"),
        ("worker.js", "404", "The networks cannot be loaded"),
        ("view.js", "404", "The modules of this page cannot be loaded"),
    ],
)
def test_a_file_that_is_missing_or_damaged_is_named(
    page: Page, server: Server, name: str, spoil: str, sentence: str
) -> None:
    def fulfill(route: Any) -> None:
        route.fulfill(status=404 if spoil == "404" else 200, body="not this")

    page.route(f"**/device/{name}", fulfill)
    page.goto(f"{server.url}/live")
    page.get_by_role("radio", name="On this device").click()
    page.get_by_text(sentence).wait_for()


def test_a_browser_without_simd_is_told(page: Page, server: Server) -> None:
    def without_simd(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=f"WebAssembly.validate = () => false\n{answer.text()}")

    page.route("**/device/networks.js", without_simd)
    page.goto(f"{server.url}/live")
    page.get_by_role("radio", name="On this device").click()
    page.get_by_text("it lacks WebAssembly SIMD").wait_for()


@contextmanager
def web_space(folder: Path) -> Iterator[str]:
    """Serve a folder of files and nothing else."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_folder_on_any_web_space_does_the_same(page: Page, tmp_path: Path) -> None:
    write_bundle(tmp_path)
    errors: list[str] = []
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    with web_space(tmp_path) as url:
        page.goto(url)
        page.locator(START).click()
        wait_for_happy(page)
    assert errors == []
