"""The health check inside the image: exit code 0 if the server of this container answers.

python -m deploy.health [healthz | readyz]
"""

import os
import sys
import urllib.request
from typing import Final

TIMEOUT: Final = 5.0
"""Longest wait for an answer, in seconds."""


def main() -> None:
    """Ask the server; exit with 1 where it does not answer, or is not ready."""
    path = sys.argv[1] if len(sys.argv) > 1 else "healthz"
    port = os.environ.get("STREAMLIT_SERVER_PORT", "8501")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/{path}", timeout=TIMEOUT) as response:
            print(response.read().decode().strip())
    except OSError as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
