"""Does `repair` mend whatever somebody did to a table of sqlscore, once and for all, or say what is lost?

    python benchmarks/damages.py [--share 0.1] [--seed 0] [--minutes 30]

Each table of a small file is dropped, emptied, and changed column by column: no column, NULL, odd values, other types,
as `tests/support/damaged_shop.py` lists them. After each change alone

- `repair` ends without an error, and a second one finds nothing to do and no other loss;
- then every verb works; only where the repair said that something is lost may it be refused, in a sentence.

Dropped and emptied tables come first. Exit code 1 if anything was wrong, which is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import duckdb
from damaged_shop import TABLES, VERBS, edited, edits

import sqlscore
from sqlscore.errors import SqlscoreError

OURS = "Python exception occurred while executing the UDF: "


def main() -> int:
    """Run it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of all changes but the drops and the emptyings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after these, with fewer changes")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    random, ends = Random(chosen.seed), time.monotonic() + chosen.minutes * 60
    whole = [f"{what} sqlscore.{table}" for what in ("DROP TABLE", "DELETE FROM") for table in TABLES]
    others = [each for table in TABLES for each in edits(table) if each not in whole]
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    for statement in [*whole, *random.sample(others, round(chosen.share * len(others)))]:
        if time.monotonic() > ends:
            break
        with tempfile.TemporaryDirectory(prefix="sqlscore-damages-") as folder:
            path = Path(folder) / "shop.duckdb"
            if not edited(path, statement):
                counted["refused by the engine"] += 1
                continue
            outcome, found = judged(path, statement)
        counted[outcome] += 1
        for problem in found:
            print(f"WRONG: {problem}", flush=True)
        wrong += found
    print(f"{sum(counted.values())} changes: {', '.join(f'{what} {n}' for what, n in sorted(counted.items()))}")
    print("ok" if not wrong else f"{len(wrong)} things went wrong")
    return 1 if wrong else 0


def judged(path: Path, statement: str) -> tuple[str, list[str]]:
    """What the repair of the changed file was, in a word, and what was wrong with it."""
    try:
        first = sqlscore.repair(path)
        again = sqlscore.repair(path, dry_run=True)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return "not repaired", [f"{statement}: repair ends with {type(error).__name__}: {error}"]
    wrong = [f"{statement}: a second repair would do more: {line}" for line in again.done]
    lost = {loss.what for loss in first.lost}
    wrong += [f"{statement}: a second repair names another loss: {loss.what}" for loss in again.lost
              if loss.what not in lost]  # fmt: skip
    with sqlscore.connect(path) as con:
        refused = [(name, text) for name in VERBS if name != "evaluate" and (text := _said(con, name))]
    if not lost:
        wrong += [f"{statement}: {name} is refused after a repair that lost nothing: {text}" for name, text in refused]
    wrong += [f"{statement}: {name} ends with {text}" for name, text in refused if text.startswith("!")]
    return "lost something" if lost else "mended" if first.done else "no damage", wrong


def _said(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """What a verb refuses; empty if it works, and with a ! before it if no error of ours. Tests models know no log."""
    try:
        VERBS[name](con)
    except SqlscoreError as error:
        return str(error)
    except duckdb.Error as error:
        return str(error) if OURS in str(error) else f"! {type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"! {type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
