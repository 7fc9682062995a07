"""Which columns probably say who, when and what, by their names and types: for the error of a first mapping."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from collections.abc import Mapping as Dict

import pyarrow as pa

from sqlscore.errors import MappingError
from sqlscore.mapping.relations import column_of

# The commonest names of exports, warehouses and tutorials, without case and separators, the surest first.
_NAMES = {
    "user_id": (
        "userid user userkey uid customerid customer custid clientid client accountid account memberid member "
        "visitorid visitor personid person distinctid profileid subscriberid playerid patientid studentid employeeid "
        "contactid deviceid anonymousid caseid userpseudoid cookieid"
    ),
    "event_time": (
        "eventtime eventtimestamp eventts timestamp ts time datetime occurredat happenedat createdat created eventdate "
        "date day occurred eventat loggedat servertime receivedat starttime"
    ),
    "event_type": (
        "eventtype event eventname action actiontype actionname activity activityname interaction interactiontype "
        "behavior behaviour type name verb what status category"
    ),
}


def role_columns(asked: Dict[str, str], types: Dict[str, pa.DataType], table: str) -> dict[str, str]:
    """The columns of the three roles, spelled as in the table.

    Args:
        asked: the name that was asked for, by role.
        types: the Arrow types of the table's columns, by name.
        table: what the user called the table.

    Raises MappingError if one is missing; if names and types of the others tell, it says which ones all three may be.
    """
    try:
        return {role: column_of(name, role, types, table) for role, name in asked.items()}
    except MappingError as error:
        guessed = _guessed(asked, types)
        if guessed is None:
            raise
        options = " ".join(f"--{role.replace('_', '-')} {shlex.quote(name)}" for role, name in guessed.items())
        raise MappingError(f"{error}; perhaps {options}") from error


def _guessed(asked: Dict[str, str], types: Dict[str, pa.DataType]) -> dict[str, str] | None:
    """A column for each role, those that were asked for and are there first; None unless there are three."""
    there = {name.casefold(): name for name in types}
    found = {role: there[name.casefold()] for role, name in asked.items() if name.casefold() in there}
    for role in asked:
        if role not in found:
            left = [name for name, kind in types.items() if name not in found.values() and _may_be(role, kind)]
            guess = _by_name(role, left) or (_only(left, types) if role == "event_time" else None)
            if guess is None:
                return None
            found[role] = guess
    return {role: found[role] for role in asked}


def _by_name(role: str, columns: Iterable[str]) -> str | None:
    by_form = {_form(name): name for name in columns}
    return next((by_form[word] for word in _NAMES[role].split() if word in by_form), None)


def _only(columns: Iterable[str], types: Dict[str, pa.DataType]) -> str | None:
    """The one column of moments or days, if there is one alone."""
    times = [name for name in columns if pa.types.is_temporal(types[name]) and not pa.types.is_time(types[name])]
    return times[0] if len(times) == 1 else None


def _form(name: str) -> str:
    """The name without case and separators: CustomerID and customer_id are one."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _may_be(role: str, kind: pa.DataType) -> bool:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    whole = pa.types.is_integer(kind)
    if role == "event_time":
        return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind) or whole)
    if role == "user_id":
        return bool(text or whole or pa.types.is_decimal(kind) or isinstance(kind, pa.BaseExtensionType))  # a UUID
    return bool(text)
