"""The verbs about stored models: list, promote, roll back, drop, export and import."""

from __future__ import annotations

from pathlib import Path

import duckdb

from sqlscore.database.catalog import catalog, synchronize
from sqlscore.database.champions import ROLLBACK, champion_before, champion_of, end_reign, set_champion
from sqlscore.database.damage import damage_in, damage_of
from sqlscore.database.model_file import read_model_file, write_model_file
from sqlscore.database.registry import ModelInfo, find_model, heads_on, register, registered_models
from sqlscore.database.transactions import on_own_connection, recorded, transaction
from sqlscore.errors import ArtifactError, ModelError, OutputError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.files import in_place_of
from sqlscore.scoring.catalog import HEAD
from sqlscore.scoring.manifest import FORMAT, read_manifest, sha256_of
from sqlscore.verbs.objections import objection

FORMATS = ("sqlscore", "safetensors", "torchscript", "onnx")
"""What a model is exported as."""


@on_own_connection
def list_models(con: duckdb.DuckDBPyConnection, mapping: str | None = None) -> list[ModelInfo]:
    """All registered versions, or those of one mapping, newest first.

    Examples:
        >>> [m.label for m in sqlscore.list_models(con) if m.is_champion]
    """
    return registered_models(con, mapping)


@on_own_connection
def promote(con: duckdb.DuckDBPyConnection, model: str, *, force: bool = False) -> ModelInfo:
    """Make a version the champion of its mapping, which is used from the next query on. No macro or view changes.

    Args:
        con: A connection that `connect` made.
        model: A label such as "events@3", or a name for its newest version.
        force: Promote it even if it is damaged, lacks a head that the present champion has, reads columns that are not
            mapped, or is worse than the champion on the same test events by more than chance explains.

    Raises ModelError if it is not registered, if it is a fine-tuned head or a base for one, which are never
    champion, or if it should not be promoted without `force`.

    Examples:
        >>> sqlscore.promote(con, "events@3")
    """
    info = find_model(con, model)
    if info.is_head:
        raise ModelError(
            f"{info.label} is a fine-tuned head and cannot be champion: propensity(e, {info.name!r}) uses it"
        )
    if info.is_base:
        made = "pretrained" if info.tuned_for is None else f"tuned for {info.tuned_for}"
        raise ModelError(
            f"{info.label} is {made}, a base for fine-tuning, and is not made champion: train one (sqlscore train)"
        )
    against = objection(con, info)
    if against is not None and not force:
        raise ModelError(f"{info.label} is not promoted: {against}; promote it with force=True (--force) all the same")
    why = "It was asked for." if against is None else f"It was asked for with force, although {against}."
    return make_champion(con, info, "promote", why)


@on_own_connection
def rollback(con: duckdb.DuckDBPyConnection, mapping: str = DEFAULT_MAPPING) -> ModelInfo:
    """Make the champion before the present one champion again; `sqlscore.champions` tells who was.

    Versions that were dropped are skipped. A second rollback goes one champion further back.

    Args:
        con: A connection that `connect` made.
        mapping: The name of the mapping.

    Raises ModelError if there was no champion before that is still registered, or if it is damaged.

    Examples:
        >>> sqlscore.rollback(con).label
        'events@1'
    """
    before, present = champion_before(con, mapping), champion_of(con, mapping)
    if before is None:
        raise ModelError(
            f'"{mapping}" had no champion before {present} that is still registered: promote another model'
            if present
            else f'"{mapping}" has no champion, and had none that is still registered: train a model'
        )
    damage = damage_of(con, before)
    if damage is not None:
        raise ArtifactError(f"{before}, the champion before, cannot be used: {damage}; promote another model")
    return make_champion(con, find_model(con, before, mapping), ROLLBACK, f"{present} was taken back.")


def make_champion(con: duckdb.DuckDBPyConnection, info: ModelInfo, verb: str, why: str) -> ModelInfo:
    """Make a version the champion without looking at it, and note verb and reason."""
    run = ROLLBACK if verb == ROLLBACK else "promote"  # the runs of other verbs are theirs to write
    with recorded(con, run, info.mapping) as details, transaction(con):
        details["model"] = info.label
        set_champion(con, info.mapping, info.name, info.version, verb, why)
    synchronize(con)
    return find_model(con, info.label)


@on_own_connection
def drop_model(con: duckdb.DuckDBPyConnection, model: str) -> None:
    """Remove a version for good; its number is never given again.

    Raises ModelError if it is not registered, if it is the champion while there are other versions, or if a fine-tuned
    head needs it.
    """
    info = find_model(con, model)
    others = [m.label for m in registered_models(con, info.mapping) if m.label != info.label and m.may_reign]
    if info.is_champion and others:
        raise ModelError(f"{info.label} is the champion: promote another first ({', '.join(others)})")
    same = [m.label for m in registered_models(con) if m.sha256 == info.sha256 and m.label != info.label]
    heads = [] if same else heads_on(con, info.sha256)
    if heads:
        raise ModelError(
            f"{info.label} is the base of {', '.join(heads)}: drop these first (sqlscore drop), or fine-tune them on "
            "another model"
        )
    with recorded(con, "drop_model", info.mapping) as details, transaction(con):
        details["model"] = info.label
        if info.is_champion:
            end_reign(con, info.mapping)
        con.execute("DELETE FROM sqlscore.aliases WHERE name = ? AND version = ?", [info.name, info.version])
        con.execute("DELETE FROM sqlscore.models WHERE name = ? AND version = ?", [info.name, info.version])
    synchronize(con)


@on_own_connection
def export_model(
    con: duckdb.DuckDBPyConnection, model: str | None, path: str | Path, *, format: str = "sqlscore"
) -> str:
    """Write a version to a file, and return the sha256 of its artifact, or of the file if it has another format.

    Args:
        con: A connection that `connect` made.
        model: A label such as "events@3", or a name for its newest version; None is the champion of "events".
        path: The file to write.
        format: "sqlscore", which `import_model` reads; for other runtimes "safetensors", the weights with the manifest
            in the header, "torchscript", a module for `torch.jit.load` with the manifest in its extra files, or
            "onnx", a graph with the manifest in its metadata.

    Raises ModelError if the model is not registered, is a fine-tuned head in a format for other runtimes, or is not
    written in that format, ArtifactError if it is damaged, OutputError if the path is a file that does not hold a
    model, or exists and the format is not "sqlscore".
    """
    if format not in FORMATS:
        raise ModelError(f"format {format!r}: choose one of {', '.join(FORMATS)}")
    stored = catalog(con).find(model, DEFAULT_MAPPING)
    wrong = damage_in(stored.data, stored.sha256)
    if wrong is not None:
        raise ArtifactError(f"{stored.label} is not exported: {wrong}; import it again or train again")
    if format == "sqlscore":
        write_model_file(Path(path), stored.data, stored.sha256)
        return stored.sha256
    if stored.is_head:
        raise ModelError(f"{stored.label} is a fine-tuned head, which is no model of its own: leave out the format")
    from sqlscore.models.export import exported  # torch

    if Path(path).exists():
        raise OutputError(f"{path} exists: name another file, or remove it first")
    data = exported(stored.data, stored.label, format)
    with in_place_of(Path(path)) as partial:
        partial.write_bytes(data)
    return sha256_of(data)


@on_own_connection
def import_model(
    con: duckdb.DuckDBPyConnection,
    path: str | Path,
    *,
    name: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    sha256: str | None = None,
    promote: bool = False,
    force: bool = False,
) -> ModelInfo:
    """Register the model in a file that `export_model` wrote, as the next version of `name`.

    Args:
        con: A connection that `connect` made.
        path: The file.
        name: The name to register it under; by default that of the mapping.
        mapping: The name of the mapping that it belongs to.
        sha256: What `export_model` returned; another file is refused. A model of format 1 to 3 is code (TorchScript),
            and needs it.
        promote: Whether to make it the champion; it is registered even if it should not be promoted.
        force: Promote it whatever speaks against it, as `promote` does.

    Nothing in a file of this format can be run: the model is built from what its manifest says.

    Raises ArtifactError if the file is damaged or does not have that hash, if it is code and no hash is given, or if
    the model cannot score a few made-up events as its manifest says. Raises ModelError if it is not promoted.
    """
    from sqlscore.models.loading import load  # torch
    from sqlscore.scoring.label_artifact import load_head
    from sqlscore.scoring.probe import probe

    data, found = read_model_file(Path(path), sha256)
    try:
        manifest = read_manifest(data)
        if manifest.architecture == HEAD:
            catalog(con).base_of(load_head(data, found, Path(path).name))
        else:
            if manifest.format < FORMAT and sha256 is None:
                raise ArtifactError(
                    f"it is of format {manifest.format}, whose models are code (TorchScript) that would run: if you "
                    f"trust who made it, pass its hash, --sha256 {found}; a model that is trained again holds no code"
                )
            for judged in (False, True):
                probe(load(data, found, Path(path).name, catalog(con).device, judged=judged))
    except ArtifactError as error:
        raise ArtifactError(f"{path} is not registered: {error}") from error
    info = register(con, data, name=name or mapping, mapping=mapping, champion=promote and force, verb="import_model")
    if not promote or info.is_champion or not info.may_reign:
        return info
    against = objection(con, info)
    if against is not None:
        raise ModelError(
            f"{info.label} is registered, but not promoted: {against}; promote it with force=True (--force)"
        )
    return make_champion(con, info, "import_model", "It was asked for.")
