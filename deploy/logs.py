"""Logs of a host: one JSON object a line, without pictures and without addresses of viewers."""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from typing import Final, TextIO

from streamlit import logger as streamlit_logger

ADDRESS: Final = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"  # 192.0.2.7
    r"|(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:.])"  # 2001:db8::7
)
"""IPv4 and IPv6 addresses, and times of day such as 12:30:59, which ``without_addresses`` leaves alone."""

CLOCK: Final = re.compile(r"\d{1,2}:\d{2}:\d{2}")

OWN: Final = "expression_lens"
"""Root of the app's own loggers. What they write is of the host (a TURN server's address, say)."""

QUIET: Final = ("aioice", "aiortc", "streamlit_webrtc", "libav", "uvicorn.error")
"""Loggers that tell every step of every connection; their warnings remain."""


def without_addresses(text: str) -> str:
    """Return a text with the network addresses in it replaced."""
    return ADDRESS.sub(lambda match: match[0] if CLOCK.fullmatch(match[0]) else "[address]", text)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time (UTC), level, logger, message, and a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        if record.name.partition(".")[0] != OWN:
            fields = {key: without_addresses(text) for key, text in fields.items()}
        return json.dumps(fields, ensure_ascii=False)


def write_json_logs(stream: TextIO | None = None) -> None:
    """Send everything that is logged to a stream (stderr by default), a JSON object a line.

    Streamlit gives each of its loggers a handler of its own; they pass their records on instead.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    streamlit_logger.setup_formatter = pass_on
    streamlit_logger.update_formatter()
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of networks that load before any viewer is there: no page shows the spinner.
    script_context = "streamlit.runtime.scriptrunner_utils.script_run_context"
    streamlit_logger.get_logger(script_context).setLevel(logging.ERROR)
    logging.captureWarnings(True)
    sys.excepthook = lambda *error: logging.getLogger(OWN).critical(
        "The server failed", exc_info=error
    )
    threading.excepthook = log_failed_thread


def pass_on(logger: logging.Logger) -> None:
    """Take the handlers of a logger away, so that its records reach those of the root."""
    logger.handlers.clear()
    logger.propagate = True


def log_failed_thread(failure: threading.ExceptHookArgs) -> None:
    """Log an exception that ended a thread."""
    if failure.exc_value is not None:
        error = (failure.exc_type, failure.exc_value, failure.exc_traceback)
        logging.getLogger(OWN).error("A thread failed", exc_info=error)
