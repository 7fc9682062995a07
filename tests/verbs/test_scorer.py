"""The scorer outside DuckDB reads times and users as they are written elsewhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from small_shop import open_shop

from sqlscore.database.catalog import catalog, mapped
from sqlscore.errors import EventsError
from sqlscore.reporting.tracking.pyfunc import Scorer, _load_pyfunc, save


@pytest.fixture
def scorer(tmp_path: Path) -> tuple[Scorer, pd.DataFrame]:
    con = open_shop()
    stored = catalog(con).find(None, "events")
    save(tmp_path, stored.data, stored.sha256, stored.label, mapped(con, "events"))
    return _load_pyfunc(str(tmp_path)), con.sql("FROM e").df()


FORMS = {
    "Z": lambda times: times.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "an offset": lambda times: (times + pd.Timedelta(hours=2)).dt.strftime("%Y-%m-%dT%H:%M:%S+02:00"),
    "an offset without a colon": lambda times: (times - pd.Timedelta(hours=5)).dt.strftime("%Y-%m-%d %H:%M:%S-0500"),
    "no offset": lambda times: times.dt.strftime("%Y-%m-%d %H:%M:%S"),
}


@pytest.mark.parametrize("form", FORMS)
def test_iso_text_is_read_as_utc(scorer: tuple[Scorer, pd.DataFrame], form: str) -> None:
    model, events = scorer
    text = events.assign(event_time=FORMS[form](events.event_time))
    pd.testing.assert_frame_equal(model.predict(text), model.predict(events))


def test_users_may_be_a_category(scorer: tuple[Scorer, pd.DataFrame]) -> None:
    model, events = scorer
    named = events.assign(user_id=events.user_id.astype(str), event_type=events.event_type)
    found = model.predict(named.assign(user_id=named.user_id.astype("category")))
    pd.testing.assert_frame_equal(found, model.predict(named))


def test_other_text_is_refused(scorer: tuple[Scorer, pd.DataFrame]) -> None:
    model, events = scorer
    with pytest.raises(EventsError, match="not an ISO time"):
        model.predict(events.assign(event_time="yesterday"))
