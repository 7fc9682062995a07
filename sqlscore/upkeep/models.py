"""Models, champions and version numbers that do not fit each other, brought together again."""

from __future__ import annotations

import duckdb

from sqlscore.database.champions import IS_BASE, champion_of, end_reign, set_champion
from sqlscore.database.damage import damage_in, damage_of, is_readable
from sqlscore.database.queries import one
from sqlscore.errors import ArtifactError
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import MARK_TABLE
from sqlscore.scoring.catalog import HEAD
from sqlscore.scoring.manifest import FORMAT, read_manifest, sha256_of
from sqlscore.upkeep.findings import Findings

VERB = "repair"

_MAY_REIGN = f"(architecture <> ? AND NOT {IS_BASE})"  # heads and bases for them are never champion


def mend_models(con: duckdb.DuckDBPyConnection) -> Findings:
    """Write anew what an artifact says of itself, and choose sound champions, in the caller's transaction.

    A damaged model stays in the registry, as it is: nothing here can make its bytes sound again.
    """
    found = Findings()
    rows = con.execute(
        "SELECT name, version, mapping, architecture, manifest FROM sqlscore.models ORDER BY name, version"
    ).fetchall()
    damaged = set()
    for name, version, _, architecture, manifest in rows:
        label = f"{name}@{version}"
        _hash_again(con, name, version, label, found)
        if not is_readable(manifest) or architecture in (None, "", "unknown"):
            _describe_anew(con, name, version, label, found)
        wrong = damage_of(con, label)
        if wrong is not None:
            damaged.add(label)
            said = f"{label} cannot be used: {wrong}; train again, or import a copy, then drop it"
            found.lose(said, f"sqlscore drop DB {label}")
    _count_versions(con, found)
    _mend_champions(con, damaged, found)
    return found


def _describe_anew(con: duckdb.DuckDBPyConnection, name: str, version: int, label: str, found: Findings) -> None:
    """Fill the columns that say what a model is from its artifact, if that is sound."""
    row = one(con, "SELECT artifact, sha256 FROM sqlscore.models WHERE name = ? AND version = ?", [name, version])
    if row is None or row[0] is None or damage_in(bytes(row[0]), row[1]) is not None:
        return
    try:
        manifest = read_manifest(bytes(row[0]))
    except ArtifactError:
        return
    con.execute(
        """UPDATE sqlscore.models SET manifest = ?, architecture = ?, trained_from = ?, trained_to = ?
           WHERE name = ? AND version = ?""",
        [manifest.to_json(), manifest.architecture, manifest.trained_from, manifest.trained_to, name, version],
    )
    found.done.append(f"what sqlscore.models says of {label} was written anew from its artifact")


def _hash_again(con: duckdb.DuckDBPyConnection, name: str, version: int, label: str, found: Findings) -> None:
    """Put back a hash that is gone or edited, if the bytes are those that a refresh scored with, or cannot be code.

    A hash that another one replaced says that either was changed: then only a refresh that noted it can tell which.
    """
    row = one(con, "SELECT artifact, sha256 FROM sqlscore.models WHERE name = ? AND version = ?", [name, version])
    if row is None or row[0] is None:
        return
    actual = sha256_of(bytes(row[0]))
    if actual == row[1] or damage_in(bytes(row[0]), actual) is not None:
        return
    no_code = read_manifest(bytes(row[0])).format == FORMAT
    if (label, actual) in _scored_with(con) or (not row[1] and no_code):
        con.execute("UPDATE sqlscore.models SET sha256 = ? WHERE name = ? AND version = ?", [actual, name, version])
        found.done.append(f"the hash of {label} is that of its artifact again")


def _scored_with(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """The models, and their hashes, that the newest refreshes noted."""
    schemas = con.execute(
        """SELECT schema_name FROM duckdb_columns() WHERE database_name = current_database() AND table_name = ?
             AND column_name IN ('model', 'sha256') AND data_type = 'VARCHAR' GROUP BY ALL HAVING count(*) = 2""",
        [MARK_TABLE],
    ).fetchall()
    return {
        row
        for (schema,) in schemas
        for row in con.execute(f"SELECT model, sha256 FROM {qualified(schema, MARK_TABLE)}").fetchall()
    }


def _count_versions(con: duckdb.DuckDBPyConnection, found: Findings) -> None:
    """No number may be given again that a model has."""
    behind = con.execute(
        """SELECT m.name, max(m.version) FROM sqlscore.models m LEFT JOIN sqlscore.versions v ON v.name = m.name
           GROUP BY m.name HAVING max(m.version) > coalesce(max(v.newest), 0)"""
    ).fetchall()
    for name, newest in behind:
        con.execute("DELETE FROM sqlscore.versions WHERE name = ?", [name])
        con.execute("INSERT INTO sqlscore.versions (name, newest) VALUES (?, ?)", [name, newest])
        found.done.append(f'the newest version number of "{name}" is {newest} again')


def _mend_champions(con: duckdb.DuckDBPyConnection, damaged: set[str], found: Findings) -> None:
    stray = con.execute(
        f"""DELETE FROM sqlscore.aliases a WHERE NOT EXISTS (SELECT 1 FROM sqlscore.models m
               WHERE m.mapping = a.mapping AND m.name = a.name AND m.version = a.version AND {_MAY_REIGN})
           RETURNING mapping, concat(name, '@', version)""",
        [HEAD],
    ).fetchall()
    for mapping, label in stray:
        found.done.append(f'"{mapping}" had {label} as champion, which is not a model of it: that was taken out')
        is_mapped = one(con, "SELECT 1 FROM sqlscore.mappings WHERE name = ?", [mapping]) is not None
        if is_mapped and one(con, "SELECT 1 FROM sqlscore.models WHERE mapping = ? LIMIT 1", [mapping]) is None:
            found.lose(f'"{mapping}" has no model any more', "sqlscore train DB")
    mappings = con.execute(
        f"SELECT mapping FROM sqlscore.models WHERE {_MAY_REIGN} GROUP BY mapping ORDER BY mapping", [HEAD]
    ).fetchall()
    for (mapping,) in mappings:
        _mend_champion(con, mapping, damaged, found)


def _mend_champion(con: duckdb.DuckDBPyConnection, mapping: str, damaged: set[str], found: Findings) -> None:
    """The champion of a mapping is one, sound, and the one whose reign goes on in the history."""
    _keep_one(con, mapping, found)
    present = champion_of(con, mapping)
    if present is None or present in damaged:
        labels = con.execute(
            f"""SELECT name, version FROM sqlscore.models WHERE mapping = ? AND {_MAY_REIGN}
               ORDER BY created_at DESC, version DESC""",
            [mapping, HEAD],
        ).fetchall()
        sound = next(((n, v) for n, v in labels if f"{n}@{v}" not in damaged), None)
        if sound is None:
            found.lose(f'"{mapping}" has no sound model', "sqlscore train DB")
            return
        why = f"{present} is damaged." if present else "There was no champion."
        set_champion(con, mapping, *sound, VERB, f"The file was repaired: {why}")
        said = f"in place of {present}, which is damaged" if present else "since there was none"
        found.done.append(f'{sound[0]}@{sound[1]}, the newest sound model of "{mapping}", is its champion, {said}')
        return
    reigning = con.execute(
        "SELECT model FROM sqlscore.champions WHERE mapping = ? AND until IS NULL", [mapping]
    ).fetchall()
    if reigning and reigning != [(present,)]:
        name, _, version = present.rpartition("@")
        end_reign(con, mapping)
        con.execute("DELETE FROM sqlscore.aliases WHERE mapping = ? AND alias = 'champion'", [mapping])
        set_champion(con, mapping, name, int(version), VERB, "The file was repaired: the history named another model.")
        found.done.append(f'sqlscore.champions says again that {present} is the champion of "{mapping}"')


def _keep_one(con: duckdb.DuckDBPyConnection, mapping: str, found: Findings) -> None:
    """Of several champions the one that the history names stays, or the newest."""
    extra = con.execute(
        """DELETE FROM sqlscore.aliases WHERE rowid IN (
               SELECT a.rowid FROM sqlscore.aliases a
               LEFT JOIN sqlscore.champions c ON c.mapping = a.mapping AND c.until IS NULL
                   AND c.model = concat(a.name, '@', a.version)
               WHERE a.mapping = ? AND a.alias = 'champion'
               QUALIFY row_number() OVER (ORDER BY c.since DESC NULLS LAST, a.version DESC) > 1)
           RETURNING concat(name, '@', version)""",
        [mapping],
    ).fetchall()
    if extra:
        names = ", ".join(label for (label,) in extra)
        found.done.append(f'"{mapping}" had several champions: {names} gave way')
