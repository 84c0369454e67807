"""Load and check one plugin file in a process of its own: `python -m strategies.prove FILE`.

A file may do anything while it is loaded: end the process, never return, take all memory. Here it can only end
this process, whose last line is the result as JSON.
"""

import json
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path

MEMORY = 4 * 1024**3
CRASHED = "Loading and checking the file ended its process"


def prove(path: Path, seconds: float) -> str:
    """Why the file cannot be used, "" when it can. The child process is killed after so many seconds. Raises
    OSError for a file that could not be checked, TimeoutError among them."""
    command = [sys.executable, "-m", "strategies.prove", str(path)]
    try:
        child = subprocess.run(  # noqa: S603  # this interpreter and this module
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(
            f"Loading and checking took longer than {seconds:g} s. Is there an endless loop?"
        ) from None
    with suppress(ValueError, IndexError, KeyError, TypeError):
        return str(json.loads(child.stdout.splitlines()[-1])["reason"])
    lines = child.stderr.strip().splitlines()
    return f"{CRASHED} with exit code {child.returncode}. {lines[-1][:200] if lines else ''}".strip()


def _reason(path: Path) -> str:
    from strategies.plugins import InvalidPlugin, failures, load_kinds

    try:
        return next(failures(load_kinds(path)), "")
    except InvalidPlugin as error:
        return str(error)


def main(path: Path) -> None:
    with suppress(ImportError, ValueError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # What the file itself prints is no result.
    with redirect_stdout(sys.stderr):
        try:
            reason = _reason(path)
        except BaseException as error:  # SystemExit and KeyboardInterrupt of the file, too
            reason = f"The file cannot be used: {type(error).__name__}: {str(error)[:200]}"
    sys.stdout.write(json.dumps({"reason": reason}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
