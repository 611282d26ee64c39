"""What the browser gets: numbers, files, and a folder without a server."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.device.bundle import write_bundle
from app.device.files import device_files
from app.device.numbers import device_models, device_numbers
from app.device.routes import device_routes
from app.device.runtime import MODULES, content
from fer_core import EXPRESSIONS, load_card
from fer_core.errors import UserError
from fer_core.weights import WEIGHTS

MEGABYTES_ON_THE_WIRE = 10


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=device_routes()))


def test_numbers_are_json_and_name_files_that_fit_their_hashes() -> None:
    numbers = json.loads(json.dumps(device_numbers(), allow_nan=False))
    assert tuple(numbers["expressions"]) == EXPRESSIONS
    assert numbers["card"]["name"] == load_card("default").name
    assert set(numbers["networks"]) == {"classifier", "landmarks", "eyes", "pnet", "rnet", "onet"}
    for network in numbers["networks"].values():
        for file in network.values():
            data = (WEIGHTS / file["name"]).read_bytes()
            assert len(data) == file["size"]
            assert hashlib.sha256(data).hexdigest() == file["sha256"]


def test_the_prior_is_that_of_the_card_or_the_chosen_one() -> None:
    strengths = [
        device_numbers("default", prior)["card"]["prior_strength"] for prior in (None, "equal")
    ]
    assert strengths == [0.5, 1.0]


def test_a_model_that_needs_python_is_refused() -> None:
    assert {"prior_attention", "plain"} <= set(device_models())
    with pytest.raises(UserError, match="svm_hog does not run in a browser; choose one of prior_"):
        device_numbers("svm_hog")


def test_all_files_are_small_enough_for_a_phone(client: TestClient) -> None:
    sizes = {}
    for name in device_files():
        answer = client.get(f"/device/{name}", headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200 and answer.headers["content-encoding"] == "gzip"
        sizes[name] = int(answer.headers["content-length"])
    assert sum(sizes.values()) < 1e6 * MEGABYTES_ON_THE_WIRE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("view.js", "text/javascript; charset=utf-8"),
        ("device.css", "text/css; charset=utf-8"),
        ("onnxruntime/ort.wasm.min.js", "text/javascript; charset=utf-8"),
        ("onnxruntime/ort-wasm-simd-threaded.wasm", "application/wasm"),
        ("weights/prior_attention.onnx", "application/octet-stream"),
    ],
)
def test_a_file_has_its_type_and_is_kept_by_the_browser(
    client: TestClient, name: str, kind: str
) -> None:
    plain = client.get(f"/device/{name}", headers={"accept-encoding": "identity"})
    assert plain.headers["content-type"] == kind
    assert plain.content == content(device_files()[name])
    assert "max-age" in plain.headers["cache-control"]
    again = client.get(f"/device/{name}", headers={"if-none-match": plain.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_the_files_lie_below_the_path_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.device.routes.config.get_option", {"server.baseUrlPath": "lens/"}.get)
    below = TestClient(Starlette(routes=device_routes()))
    assert below.get("/lens/device/view.js").status_code == 200
    assert below.get("/device/view.js").status_code == 404


def test_nothing_else_is_served(client: TestClient) -> None:
    for name in ("weights/simple_cnn.safetensors", "../../requirements.txt", "numbers.py", ""):
        assert client.get(f"/device/{name}").status_code == 404


def test_the_folder_for_a_web_space_holds_all_that_its_page_loads(tmp_path: Path) -> None:
    size = write_bundle(tmp_path / "site")
    files = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert size == sum(path.stat().st_size for path in files)
    page = (tmp_path / "site" / "index.html").read_text()
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("data:") or (tmp_path / "site" / address).is_file()
    assert "://" not in page, "it loads nothing from elsewhere"
    numbers = json.loads((tmp_path / "site/device/numbers.json").read_text())
    for network in numbers["networks"].values():
        for file in network.values():
            assert (tmp_path / "site/device" / file["url"]).stat().st_size == file["size"]


def test_onnx_runtime_is_the_version_and_has_the_hashes_that_its_notice_names() -> None:
    notice = (MODULES / "onnxruntime/README.md").read_text()
    rows = re.findall(r"`([\w.-]+)` \| ([0-9a-f]{64}) ", notice)
    assert len(rows) == 3
    for name, digest in rows:
        data = (MODULES / "onnxruntime" / name).read_bytes()
        data = gzip.decompress(data) if name.endswith(".gz") else data
        assert hashlib.sha256(data).hexdigest() == digest
    assert "MIT" in (MODULES / "onnxruntime/LICENSE").read_text()
