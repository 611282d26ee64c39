"""What was measured of the methods on many faces."""

from app.messages import show_error
from fer_core.errors import UserError
from fer_core.evaluation import results
from fer_core.evaluation.results import MethodResults


def read_results() -> MethodResults | None:
    """Return the measurements; None where there are none, or where their files are damaged, which is
    shown."""
    try:
        return results.read_method_results()
    except (UserError, OSError) as error:
        show_error(error)
        return None
