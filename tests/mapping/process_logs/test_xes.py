"""XES logs: what a file holds is what the table holds, and what is no log is refused with the remedy."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path
from xml.sax.saxutils import quoteattr

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.xes_table import XesTable, make_xes_table
from sqlscore.simulation.claims import Claims, simulate_claims
from sqlscore.simulation.xes_file import write_xes

NAME, TIME = "concept:name", "time:timestamp"
WHEN = ("date", TIME, "2025-01-06T10:00:00Z")


def log(*traces: str, head: str = "") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<log>{head}{"".join(traces)}</log>'


def trace(case: str, *events: list[tuple[str, str, str]], more: str = "") -> str:
    inside = "".join(f"<event>{''.join(map(written, event))}</event>" for event in events)
    return f"<trace>{written(('string', NAME, case))}{more}{inside}</trace>"


def written(attribute: tuple[str, str, str]) -> str:
    kind, key, value = attribute
    return f"<{kind} key={quoteattr(key)} value={quoteattr(value)}/>"


def event(*more: tuple[str, str, str], name: str = "act") -> list[tuple[str, str, str]]:
    return [("string", NAME, name), WHEN, *more]


def read(con: duckdb.DuckDBPyConnection, folder: Path, text: str) -> XesTable:
    (folder / "log.xes").write_text(text, encoding="utf-8")
    return make_xes_table(con, folder / "log.xes", "log")


@pytest.fixture(scope="module")
def claims() -> Claims:
    return simulate_claims(60, seed=3)


@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz", "misnamed.txt"])
def test_the_planted_truth_is_recovered(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, claims: Claims, name: str
) -> None:
    """Cases, events, times in UTC, order and typed attributes, compressed or not, whatever the file's name."""
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    write_xes(claims, tmp_path / name)
    made = make_xes_table(con, tmp_path / name, "log")
    found = con.sql("""SELECT user_id AS case, position, event_time, event_type, lifecycle, "org:resource" AS resource,
        documents, amount FROM log""").to_arrow_table()
    assert (
        found.sort_by([("case", "ascending"), ("position", "ascending")]).to_pylist()
        == claims.events.sort_by([("case", "ascending"), ("position", "ascending")]).to_pylist()
    )
    cases = con.sql('SELECT DISTINCT user_id AS case, "case:urgent" AS urgent, "case:reported" AS reported FROM log')
    assert sorted(cases.fetchall()) == sorted(tuple(row.values()) for row in claims.cases.to_pylist())
    assert made.transitions == dict(claims.events["lifecycle"].value_counts().to_pylist()[i].values() for i in (0, 1))
    assert made.remarks == (f"not read: {claims.cases.num_rows} attributes within attributes",)
    assert "case:channel" in made.columns


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(TEXTS, min_size=1, max_size=5), key=TEXTS.filter(lambda key: key.strip()))
def test_texts_and_keys_come_back_as_they_were_written(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, values: list[str], key: str
) -> None:
    """Keys become names of columns and values texts; neither is taken for SQL or markup."""
    text = log(*(trace(f"c{i}", event(("string", key, value))) for i, value in enumerate(values)))
    made = read(con, tmp_path, text)
    if key in (NAME, TIME, "lifecycle:transition"):
        return
    (column,) = made.columns
    quoted = '"' + column.replace('"', '""') + '"'
    assert con.execute(f"SELECT {quoted} FROM log ORDER BY user_id").fetchall() == [(value,) for value in values]


@pytest.mark.parametrize(
    ("written_as", "moment"),
    [
        ("2025-01-06T10:00:00Z", "10:00"),
        ("2025-01-06T10:00:00.000+01:00", "09:00"),
        ("2025-01-06T10:00:00.250-0530", "15:30:00.25"),
        ("2025-01-06T10:00:00 +01:00", "09:00"),
        ("2025-01-06 10:00", "10:00"),
        ("2025-01-06T10:00:00.123456789+00:00", "10:00:00.123456"),
    ],
)
def test_offsets_are_applied(con: duckdb.DuckDBPyConnection, tmp_path: Path, written_as: str, moment: str) -> None:
    """In every session's time zone; a time without offset is taken as UTC, and this is said."""
    con.execute("SET TimeZone = 'America/New_York'")
    made = read(con, tmp_path, log(trace("c", [("string", NAME, "act"), ("date", TIME, written_as)])))
    found = con.execute("SELECT event_time FROM log").fetchone()
    assert found == (dt.datetime.fromisoformat(f"2025-01-06T{moment}"),)
    said = "1 of 1 times do not say their offset from UTC" in " ".join(made.remarks)
    assert said == (written_as == "2025-01-06 10:00")


def test_attributes_have_the_type_of_their_kind_unless_a_value_has_not(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A value is never rounded or dropped to fit its column."""
    rows = [
        ("int", "n", "7"), ("float", "x", "INF"), ("boolean", "b", "true"), ("date", "d", "2025-01-06T00:00:00+02:00"),
        ("id", "i", "a-1"), ("int", "mixed", "1"), ("int", "torn", "1.5"), ("int", "USER_ID", "1"), ("int", "N", "2"),
    ]  # fmt: skip
    second = [("float", "mixed", "2.5"), ("int", "torn", "2"), ("string", "n", "seven")]
    made = read(con, tmp_path, log(trace("c", event(*rows), event(*second[:2]))))
    types = dict(con.execute("SELECT column_name, column_type FROM (DESCRIBE log)").fetchall())
    expected = {"n": "BIGINT", "x": "DOUBLE", "b": "BOOLEAN", "d": "TIMESTAMP", "i": "VARCHAR", "mixed": "DOUBLE"}
    expected |= {"torn": "VARCHAR", "USER_ID_2": "BIGINT", "N_2": "BIGINT"}
    assert {name: types[name] for name in made.columns} == expected
    assert con.execute("SELECT torn, d FROM log ORDER BY position").fetchall() == [
        ("1.5", dt.datetime(2025, 1, 5, 22)), ("2", None),
    ]  # fmt: skip
    assert "\"torn\" is text, since 1 of its values, such as '1.5', are no BIGINT" in made.remarks
    made = read(con, tmp_path, log(trace("c", event(*rows), event(*second))))
    assert con.execute("SELECT n FROM log ORDER BY position").fetchall() == [("7",), ("seven",)]


def test_attributes_that_come_late_have_columns_too(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Rows wait in batches, and the first of them cannot know the columns of the last."""
    early = trace("early", *[event()] * 20_500)
    read(con, tmp_path, log(early, trace("late", event(("int", "n", "7")), more=written(("string", "kind", "x")))))
    query = 'SELECT user_id, count(*), max(position), max(n), max("case:kind") FROM log GROUP BY 1 ORDER BY 1'
    assert con.execute(query).fetchall() == [("early", 20_500, 20_500, None, None), ("late", 1, 1, 7, "x")]


def test_attributes_of_a_trace_count_wherever_they_stand(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The case's own name may follow its events."""
    name = written(("string", NAME, "c"))
    read(con, tmp_path, log(f"<trace><event>{''.join(map(written, event()))}</event>{name}</trace>"))
    assert con.execute("SELECT user_id FROM log").fetchall() == [("c",)]


def test_traces_of_one_name_are_one_case_in_the_order_of_the_document(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Their events must not share positions, or the order of ties would be the alphabet's."""
    made = read(
        con,
        tmp_path,
        log(trace("c", event(name="z"), event(name="y")), trace("d", event()), trace("c", event(name="a"))),
    )
    assert con.execute("SELECT event_type FROM log WHERE user_id = 'c' ORDER BY position").fetchall() == [
        ("z",), ("y",), ("a",),
    ]  # fmt: skip
    assert '1 traces have the "concept:name" of another trace' in made.remarks[0]


def test_what_is_not_as_the_log_declares_is_said(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Names that are missing although they are global, classifiers without their keys, and what is not read."""
    head = (
        '<global scope="event"><string key="concept:name" value="UNKNOWN"/></global>'
        '<classifier name="Both" keys="concept:name \'sub type\'"/>'
    )
    inside = '<list key="l"><values><string key="v" value="1"/></values></list><blob key="b" value="1"/>'
    traces = [trace("c", event(), [WHEN], more=inside), "<event/>"]
    nameless = f"<trace><event>{''.join(map(written, event()))}</event></trace>"
    made = read(con, tmp_path, log(*traces, nameless, head=head))
    said = "\n".join(made.remarks)
    for words in (
        "1 events have no \"concept:name\", although the log declares it of all (default 'UNKNOWN'), and are left out",
        'the log\'s classifier "Both" names "sub type", which no event has',
        '1 traces have no "concept:name", and their events are left out',
        "not read: 1 lists, 1 attributes within attributes, 1 <blob>, 1 events outside of traces",
    ):
        assert words in said, said


def test_a_log_replaces_the_table_or_leaves_it(con: duckdb.DuckDBPyConnection, tmp_path: Path, claims: Claims) -> None:
    """A broken file changes nothing, and leaves no file behind."""
    write_xes(claims, tmp_path / "good.xes")
    make_xes_table(con, tmp_path / "good.xes", "log")
    rows = con.execute("FROM log ORDER BY ALL").fetchall()
    (tmp_path / "cut.xes").write_bytes((tmp_path / "good.xes").read_bytes()[:9_000])
    tables = con.execute("FROM duckdb_tables()").fetchall()
    with pytest.raises(MappingError, match=r"cut.xes ends too early, after 9000 bytes \(line \d+, .*trace \d"):
        make_xes_table(con, tmp_path / "cut.xes", "log")
    assert con.execute("FROM log ORDER BY ALL").fetchall() == rows
    assert con.execute("FROM duckdb_tables()").fetchall() == tables
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.xes", "good.xes"]


def _cut(data: bytes) -> bytes:
    return gzip.compress(data)[:-200]


WRONG = {
    "empty": (b"", "is empty: copy or download it again"),
    "cut gzip": (_cut(log(trace("c", *[event(name=str(i)) for i in range(3000)])).encode()), "ends too early"),
    "damaged": (log(trace("c", event())).replace("</event>", "</evnt>").encode(), "not well-formed.*line 2.*trace 1"),
    "html": (b"<html><body/></html>", "not XES, whose first element is <log>, but other XML.*<html>"),
    "mxml": (b"<WorkflowLog/>", "MXML, the format before XES"),
    "ocel": (b"<log><object-types/></log>", "an OCEL log, not XES.*--from ocel"),
    "sqlite": (b"SQLite format 3\0", "not XES but a SQLite database: an OCEL log is read by --from ocel"),
    "json": (b'{"a": 1}', "not XES but JSON"),
    "zip": (b"PK\x03\x04abc", "zip archive: unpack it first"),
    "no traces": (b"<log/>", "no events in 0 traces"),
    "no cases": (b'<log><trace><event><string key="a" value="b"/></event></trace></log>', "no trace has a"),
    "no actions": (
        log(trace("c", [("string", "act", "x"), WHEN]), head='<classifier name="A" keys="act"/>').encode(),
        'no event has a "concept:name".*events have "act", "time:timestamp"; classifiers of the log: "A" is act',
    ),
    "no times": (log(trace("c", [("string", NAME, "x")])).encode(), 'no event has a "time:timestamp".*"concept:name"'),
    "no readable time": (log(trace("c", [("string", NAME, "x"), ("date", TIME, "soon")])).encode(), "such as 'soon'"),
    "many keys": (
        log(trace("c", *[event(("int", f"k{i}", "1")) for i in range(1_001)])).encode(),
        "more than 1000 different attributes, for example 'int k1000'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_log_is_refused_with_what_was_found(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "log.xes").write_bytes(content)
    with pytest.raises(MappingError, match=f"(?s){words}"):
        make_xes_table(con, tmp_path / "log.xes", "log")
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'log'").fetchone() == (0,)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE log [<!ENTITY one "x">]>',
        '<!DOCTYPE log SYSTEM "log.dtd">',
        '<!DOCTYPE log [<!ENTITY other SYSTEM "other.txt">]>',
        "<!DOCTYPE log>",
    ],
)
def test_document_types_and_entities_are_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path, declared: str) -> None:
    """They can grow a small file without bound or read other ones, and no log needs them."""
    with pytest.raises(MappingError, match=r"declares a document type or entities \(DTDForbidden\).*<!DOCTYPE"):
        read(con, tmp_path, f"<?xml version='1.0'?>{declared}{log(trace('c', event())).partition('?>')[2]}")


def test_without_defusedxml_the_extra_is_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is installed by an extra, as all libraries are that few need."""
    monkeypatch.setitem(__import__("sys").modules, "defusedxml.expatreader", None)
    with pytest.raises(MappingError, match=r"XES needs defusedxml.*pip install 'sqlscore\[xml\]'"):
        read(con, tmp_path, log(trace("c", event())))
