"""Say plainly when this Python cannot hold the environment; runs on any Python 3."""

import sys

found = ".".join(str(part) for part in sys.version_info[:3])
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        f"This project needs Python 3.11, 3.12 or 3.13, and {sys.executable} is Python {found}.\n"
        "Name another one, for example: make book PYTHON=python3.12\n"
        "(if .venv was made by the wrong Python, remove it first: make distclean)"
    )
try:
    import ensurepip  # noqa: F401  (Debian splits it off, and venv fails late without it)
    import venv  # noqa: F401
except ImportError:
    sys.exit(
        f"Python {found} is here without its venv module. On Debian or Ubuntu: apt install "
        "python3-venv"
    )
