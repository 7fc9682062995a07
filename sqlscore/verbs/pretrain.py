"""The verb `pretrain`: a base for fine-tuning, learned from the events alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.model_names import check_name
from sqlscore.database.queries import one
from sqlscore.database.registry import ModelInfo, register
from sqlscore.database.transactions import on_own_connection, recorded
from sqlscore.errors import InstallError, TrainingError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.mapping.roles import check_readable
from sqlscore.verbs.leaks import refuse_leaks
from sqlscore.verbs.train import settings_of

if TYPE_CHECKING:
    from sqlscore.progress import Progress


@dataclass(frozen=True)
class Pretrained:
    """A base for fine-tuning, and what it took. Losses are in nats for each next event, on the newest events."""

    model: ModelInfo
    sources: tuple[str, ...]  # by name if there are several
    n_events: int  # that were read, the newest included
    n_users: int
    log_loss: float
    counting: str  # the best baseline that counts what follows what
    counting_log_loss: float  # on the same events
    best_epoch: int
    n_bytes: int  # of the artifact
    cpu_seconds: float  # of this process in this run, reading and judging included
    resumed: bool  # whether an interrupted run was continued, whose time is not in `cpu_seconds`

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self) | {"model": self.model.to_dict()}


@on_own_connection
def pretrain(
    con: duckdb.DuckDBPyConnection,
    /,
    *,
    name: str = "base",
    mapping: str = DEFAULT_MAPPING,
    architecture: str = "gru",
    seed: int = 0,
    allow_leak: Sequence[str] = (),
    progress: Progress | None = None,
    **options: Any,
) -> Pretrained:
    """Learn an encoder from all mapped events, without labels, and register it as the next version of `name`.

    It learns what every event is followed by, when, and who leaves, and knows all events at the end. It is a base for
    `finetune(con, ..., base=name)`: it is never champion, whatever else there is, and shares its name with no other
    kind of model.

    While it learns, every epoch is kept in a file beside the database, named after both. After a kill, the same call
    goes on from there and ends with the same base; after other events or options it starts anew. A database in memory
    has no such file.

    Args:
        con: A connection that `connect` made.
        name: What `finetune` calls it.
        mapping: The name of the mapping, all of whose sources are read.
        architecture: What to train, see docs/cli.md; not one that counts.
        seed: The same seed and data give the same base.
        allow_leak: Rules of the linter (docs/linting.md) that the mapped view may break.
        progress: Receives the stages of the work.
        **options: Fields of training.TrainingOptions.

    Returns the registered base beside its cost. If it fails, nothing is registered.

    Raises MappingError if nothing is mapped, ModelError if a model or a head has that name, TrainingError if the events
    cannot support it or are a view that shows what came after an event, InstallError if the file is read-only.

    Examples:
        >>> sqlscore.pretrain(con).model.label
        'base@1'
    """
    from sqlscore.models.loading import resolve_device  # torch
    from sqlscore.progress import Silent
    from sqlscore.training.pretrain import pretrain as learn

    began = time.process_time()
    _refuse_read_only(con)
    source = mapped(con, mapping)
    check_name(con, name, head=False, base=True)
    check_readable(con, source)
    passed = refuse_leaks(con, source, allow_leak, TrainingError)
    own = {"device": resolve_device(catalog(con).device), "checkpoint": _checkpoint(catalog(con).path, name)}
    settings = settings_of(architecture, None, None, seed, {**own, **options})
    with recorded(con, "pretrain", mapping) as details:
        made = learn(con, source, settings, progress or Silent(), passed)
        spent = round(time.process_time() - began, 2)
        details.update(made.trained.report, n_events=made.events, n_users=made.users, cpu_seconds=spent)
    info = register(con, made.trained.artifact, name=name, mapping=mapping, champion=False, verb="pretrain")
    judged = info.metrics["next_action"]
    counting, loss = min(
        ((peer, found["log_loss"]) for peer, found in judged["baselines"].items() if found.get("log_loss") is not None),
        key=lambda each: each[1],
    )
    return Pretrained(
        model=info,
        sources=_sources(source),
        log_loss=judged["log_loss"],
        counting=counting,
        counting_log_loss=loss,
        best_epoch=info.notes["training"]["best_epoch"],
        n_events=made.events,
        n_users=made.users,
        n_bytes=len(made.trained.artifact),
        cpu_seconds=spent,
        resumed=made.resumed,
    )


def _sources(mapping: Mapping) -> tuple[str, ...]:
    feeds = () if mapping.composition is None else mapping.composition.feeds
    return tuple(feed.name for feed in feeds) or (mapping.made_of,)


def _refuse_read_only(con: duckdb.DuckDBPyConnection) -> None:
    """Raise InstallError if the base could not be stored: that is to be said before it is learned."""
    if one(con, "SELECT 1 FROM duckdb_databases() WHERE database_name = current_database() AND readonly"):
        raise InstallError("pretrain changes the file, which was opened read-only: open it without read_only=True")


def _checkpoint(database: str | None, name: str) -> str | None:
    """The file that keeps a pretraining of that name; None for a database in memory."""
    if database is None:
        return None
    path = Path(database)
    return str(path.with_name(f"{path.name}.{quote(name, safe='')}.pretraining"))
