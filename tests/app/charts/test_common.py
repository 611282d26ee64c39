"""What all charts share."""

import subprocess
import sys
from pathlib import Path

import pytest

CHARTS = Path(__file__).parents[3] / "app" / "charts"


@pytest.mark.parametrize("name", sorted(path.stem for path in CHARTS.glob("[!_]*.py")))
def test_pandas_is_whole_before_the_first_chart(name: str) -> None:
    code = f"import app.charts.{name}, sys; print(hasattr(sys.modules['pandas'], 'Series'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHARTS.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"
