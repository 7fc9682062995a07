"""Purchases as an OCEL 2.0 file in each of its three forms."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sqlscore.simulation.purchases import Purchases

ATTRIBUTES = {"clerk": "string", "amount": "float", "parcels": "integer"}
_NEVER = "1970-01-01 00:00:00"  # since when an object has the attributes that it has at first
_IN_SQLITE = {"string": "TEXT", "float": "REAL", "integer": "INTEGER"}


def write_ocel(purchases: Purchases, path: Path | str) -> None:
    """Write purchases as OCEL 2.0: SQLite, JSON or XML, by the ending of the file's name.

    Args:
        purchases: What was recorded.
        path: A file that ends in .sqlite, .json or .xml, which is replaced.

    Raises ValueError for another ending.
    """
    path = Path(path)
    writers = {".sqlite": _as_sqlite, ".json": _as_json, ".xml": _as_xml}
    if path.suffix not in writers:
        raise ValueError(f"{path} must end in one of {', '.join(writers)}")
    path.unlink(missing_ok=True)
    writers[path.suffix](purchases, path)


def _as_sqlite(purchases: Purchases, path: Path) -> None:
    """Times as most writers have them: in UTC, without an offset."""
    kinds = dict.fromkeys(purchases.events["event_type"].to_pylist())
    with closing(sqlite3.connect(path)) as con:
        con.executescript(
            """CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
               CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
               CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
               CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
               CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT,
                   PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier));
               CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);"""
        )
        con.executemany("INSERT INTO event_map_type VALUES (?, ?)", [(kind, _joined(kind)) for kind in kinds])
        for kind in kinds:
            columns = "".join(f", {name} {_IN_SQLITE[ATTRIBUTES[name]]}" for name in _attributes_of(kind))
            con.execute(f"CREATE TABLE event_{_joined(kind)} (ocel_id TEXT PRIMARY KEY, ocel_time TIMESTAMP{columns})")
        for event in purchases.events.to_pylist():
            con.execute("INSERT INTO event VALUES (?, ?)", [event["event_id"], event["event_type"]])
            values = [event[name] for name in _attributes_of(event["event_type"])]
            row = [event["event_id"], event["event_time"].isoformat(" "), *values]
            marks = ", ".join("?" * len(row))
            con.execute(f"INSERT INTO event_{_joined(event['event_type'])} VALUES ({marks})", row)
        rows = [tuple(row.values()) for row in purchases.objects.to_pylist()]
        types = dict.fromkeys(kind for _, kind in rows)
        con.executemany("INSERT INTO object_map_type VALUES (?, ?)", [(kind, kind) for kind in types])
        for kind in types:
            con.execute(f"CREATE TABLE object_{kind} (ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT)")
            values = [(linked, _NEVER, None) for linked, of_kind in rows if of_kind == kind]
            con.executemany(f"INSERT INTO object_{kind} VALUES (?, ?, ?)", values)
        con.executemany("INSERT INTO object VALUES (?, ?)", rows)
        links = [tuple(row.values()) for row in purchases.links.to_pylist()]
        con.executemany("INSERT INTO event_object VALUES (?, ?, ?)", links)
        con.commit()


def _as_json(purchases: Purchases, path: Path) -> None:
    links = _links(purchases)
    document = {
        "objectTypes": [{"name": kind, "attributes": []} for kind in _object_types(purchases)],
        "eventTypes": [
            {"name": kind, "attributes": [{"name": n, "type": ATTRIBUTES[n]} for n in _attributes_of(kind)]}
            for kind in dict.fromkeys(purchases.events["event_type"].to_pylist())
        ],
        "objects": [
            {"id": row["object_id"], "type": row["object_type"], "attributes": [], "relationships": []}
            for row in purchases.objects.to_pylist()
        ],
        "events": [
            {
                "id": event["event_id"],
                "type": event["event_type"],
                "time": event["event_time"].isoformat() + "Z",
                "attributes": [{"name": name, "value": event[name]} for name in _attributes_of(event["event_type"])],
                "relationships": [{"objectId": o, "qualifier": q} for o, q in links[event["event_id"]]],
            }
            for event in purchases.events.to_pylist()
        ],
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def _as_xml(purchases: Purchases, path: Path) -> None:
    links = _links(purchases)
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<log>\n  <object-types>\n')
        file.writelines(f"    <object-type name={quoteattr(kind)}/>\n" for kind in _object_types(purchases))
        file.write("  </object-types>\n  <event-types>\n")
        for kind in dict.fromkeys(purchases.events["event_type"].to_pylist()):
            declared = "".join(f'<attribute name="{n}" type="{ATTRIBUTES[n]}"/>' for n in _attributes_of(kind))
            file.write(f"    <event-type name={quoteattr(kind)}><attributes>{declared}</attributes></event-type>\n")
        file.write("  </event-types>\n  <objects>\n")
        for row in purchases.objects.to_pylist():
            file.write(f"    <object id={quoteattr(row['object_id'])} type={quoteattr(row['object_type'])}/>\n")
        file.write("  </objects>\n  <events>\n")
        for event in purchases.events.to_pylist():
            identity, kind, when = (event[name] for name in ("event_id", "event_type", "event_time"))
            file.write(f'    <event id={quoteattr(identity)} type={quoteattr(kind)} time="{when.isoformat()}Z">\n')
            values = ((name, escape(str(event[name]))) for name in _attributes_of(kind))
            said = "".join(f'<attribute name="{name}">{value}</attribute>' for name, value in values)
            file.write(f"      <attributes>{said}</attributes>\n      <objects>\n")
            for linked, role in links[identity]:
                file.write(f"        <relationship object-id={quoteattr(linked)} qualifier={quoteattr(role)}/>\n")
            file.write("      </objects>\n    </event>\n")
        file.write("  </events>\n</log>\n")


def _attributes_of(kind: str) -> list[str]:
    own = {"pay order": ["amount"], "send package": ["parcels"]}
    return ["clerk", *own.get(kind, [])]


def _object_types(purchases: Purchases) -> list[str]:
    return list(dict.fromkeys(purchases.objects["object_type"].to_pylist()))


def _links(purchases: Purchases) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in purchases.links.to_pylist():
        found.setdefault(row["event_id"], []).append((row["object_id"], row["qualifier"]))
    return found


def _joined(kind: Any) -> str:
    return "".join(word.capitalize() for word in str(kind).split())
