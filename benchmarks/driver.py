"""Helpers to drive the app in a real browser: a server, Chromium with a film as its webcam, the Live page.

Benchmarks and browser tests share them.
"""

import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from fer_core.draw import EXPRESSION_COLORS, rgb
from fer_core.types import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Browser
    from playwright.sync_api import Locator as Locator
    from playwright.sync_api import Page as Page
else:  # a machine without playwright skips the browser tests
    Browser = Locator = Page = Any

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CAMERA_FRAME = 'iframe[title="streamlit_webrtc.component.webrtc_streamer"]'

HOST_SETTINGS = {"ICE_SERVERS", "EXPRESSION_LENS_TURN_SECRET", "EXPRESSION_LENS_VIEWERS"}
"""Environment variables of a host, which a server that is measured does not take over."""

PATIENCE = 180
"""Longest wait for anything, in seconds: a busy machine is slow, not wrong."""

T = TypeVar("T")


def wait_for(condition: Callable[[], T], message: str, *, every: float = 0.1) -> T:
    """Call ``condition`` until it returns something true, and return that."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{message}: not within {PATIENCE} s")
        time.sleep(every)
    return result


def processor() -> str:
    """Return the name of this machine's processor, its cores, and its widest vector unit (Linux only)."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"model name\s*: (.+)", text)
    width = next((each for each in ("avx512f", "avx2") if each in text), "neither AVX2 nor AVX-512")
    return f"{name[1] if name else 'unknown processor'}, {os.cpu_count()} cores, {width}"


def write_webcam(path: Path, portrait: Image, *, frames: int = 90) -> Path:
    """Write a film of a portrait that moves in a circle, in the format of Chromium's fake camera."""
    width, height = 640, 480
    photo = cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR)
    with path.open("wb") as film:
        for angle in np.linspace(0, 2 * np.pi, frames, endpoint=False):
            x, y = 30 + 30 * np.cos(angle), 15 + 15 * np.sin(angle)
            shift = np.array([[1.6, 0, -1.6 * x], [0, 1.6, -1.6 * y]], np.float32)
            picture = cv2.warpAffine(photo, shift, (width, height), borderMode=cv2.BORDER_REFLECT)
            film.write(cv2.imencode(".jpg", picture)[1].tobytes())
    return path


@dataclass(frozen=True)
class Server:
    """A running server of the app."""

    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self.process.pid


@contextmanager
def serve(
    log: Path,
    *,
    root: Path = ROOT,
    settings: Mapping[str, str] | None = None,
    hosted: bool = False,
) -> Iterator[Server]:
    """Run the app on a free port, with its output in ``log``.

    Args:
        root: folder of the project, or of another version of it.
        settings: environment variables of the server.
        hosted: as a host runs it (``python -m deploy``), rather than by ``streamlit run``.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *server_arguments(hosted=hosted)]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    url = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if name not in HOST_SETTINGS}
    environment.update(settings or {}, PYTHONPATH=str(root))
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=root, stdout=output, stderr=subprocess.STDOUT, env=environment
        ) as server,
    ):
        try:
            wait_for(lambda: healthy(url, server), f"the server's start (see {log})")
            yield Server(url, server)
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def server_arguments(*, hosted: bool) -> list[str]:
    """Return the module that serves the app, with options that suit a test."""
    module = ["deploy"] if hosted else ["streamlit", "run", "streamlit_app.py"]
    quiet = ["--server.headless", "true", "--server.fileWatcherType", "none"]
    return [*module, *quiet, "--browser.gatherUsageStats", "false"]


def healthy(url: str, server: "subprocess.Popen[bytes]") -> bool:
    """Return whether the server answers.

    Raises:
        RuntimeError: if its process has ended.
    """
    if server.poll() is not None:
        raise RuntimeError(f"the server ended with {server.returncode}")
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as response:
            return bool(response.read() == b"ok")
    except OSError:
        return False


def udp_sockets(pid: int) -> int:
    """Return the number of UDP sockets of a process: each WebRTC connection has some (Linux only)."""
    table = Path(f"/proc/{pid}/net/udp").read_text() + Path(f"/proc/{pid}/net/udp6").read_text()
    inodes = {line.split()[9] for line in table.splitlines() if ":" in line}
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            count += os.readlink(link).removeprefix("socket:[").removesuffix("]") in inodes
    return count


def chromium_arguments(webcam: Path) -> list[str]:
    """Return the arguments of a Chromium that takes a film for its webcam and asks no permission."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={webcam}",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]


def wait_until_idle(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


class LivePage:
    """The Live page in one browser tab."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.camera = page.frame_locator(CAMERA_FRAME)
        page.goto(server.url)
        page.get_by_role("link", name="Live", exact=True).first.click()
        self.camera.get_by_role("button", name="START").wait_for()

    def start(self) -> None:
        self.camera.get_by_role("button", name="START").click()

    def stop(self) -> None:
        self.camera.get_by_role("button", name="STOP").click()

    def picture(self) -> Image | None:
        """Return the current picture of the video, (480, 640, 3) RGB; None without one."""
        url = self.camera.locator("body").evaluate(
            """() => {
                const video = document.querySelector("video")
                if (!video || !video.videoWidth) return null
                const canvas = document.createElement("canvas")
                canvas.width = 640
                canvas.height = 480
                canvas.getContext("2d").drawImage(video, 0, 0, 640, 480)
                return canvas.toDataURL("image/png")
            }"""
        )
        if url is None:
            return None
        png = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
        return np.asarray(cv2.imdecode(png, cv2.IMREAD_COLOR_RGB), np.uint8)

    def shows_overlay(self) -> bool:
        """Return whether the picture has probability bars, so that it went through the classifier."""
        picture = self.picture()
        return picture is not None and bar_pixels(picture) > 60

    def frames(self) -> int:
        """Return the number of processed frames that the page shows; 0 without one."""
        words = re.search(r"([\d,]+) frames so far", self.page.locator("body").inner_text())
        return int(words[1].replace(",", "")) if words else 0


def bar_pixels(picture: Image) -> int:
    """Return the number of pixels in the colors of classes that do not occur in the film."""
    colors = [rgb(EXPRESSION_COLORS[name]) for name in ("disgust", "happy", "sad", "surprise")]
    distances = [np.abs(picture.astype(np.int16) - color).max(axis=-1) for color in colors]
    return int((np.min(distances, axis=0) < 25).sum())
