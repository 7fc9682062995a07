"""`sqlscore serve` that ends with the benchmark that started it, however that ends.

    python -P benchmarks/served.py DATABASE [options of sqlscore serve] < a pipe that the benchmark holds

A benchmark that is killed runs no `finally`. The other end of its pipe closes all the same, and that is the sign.
"""

from __future__ import annotations

import os
import sys
import threading


def end_with_parent() -> None:
    """End this process once whoever holds the other end of its standard input is gone."""

    def wait() -> None:
        os.read(0, 1)  # Python's own reader would hold a lock when the process ends
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    from sqlscore.cli import main

    sys.argv.insert(1, "serve")
    main()
