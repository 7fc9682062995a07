"""What is an action in Matomo's log: searches by what they are, pieces of a page only if somebody used them."""

from __future__ import annotations

import duckdb

import sqlscore


def test_searches_are_one_action_and_what_was_only_shown_is_none(con: duckdb.DuckDBPyConnection):
    """The words that somebody typed would be an action each, and a banner on a page is nothing that anybody did."""
    con.execute("CREATE SCHEMA web")
    con.execute(
        """CREATE TABLE web.matomo_log_visit AS
           SELECT 1 AS idvisit, '\\x01\\x02'::BLOB AS idvisitor, 'ann' AS user_id,
               TIMESTAMP '2025-01-02 10:09' AS visit_last_action_time;
           CREATE TABLE web.matomo_log_action AS FROM (VALUES
               (1, 'Home', 4), (2, 'red shoes', 8), (3, 'example.org/', 1), (4, 'banner', 13), (5, 'click', 16),
               (6, 'play', 11)) t(idaction, name, type);
           CREATE TABLE web.matomo_log_link_visit_action AS FROM (VALUES
               (1, 1, 3, NULL, NULL, NULL), (2, 3, NULL, NULL, 4, NULL), (3, 2, 3, NULL, NULL, NULL),
               (4, NULL, 3, 6, NULL, NULL), (5, 3, NULL, NULL, 4, 5))
               t(idlink_va, idaction_name, idaction_url, idaction_event_action, idaction_content_name,
                   idaction_content_interaction);
           ALTER TABLE web.matomo_log_link_visit_action ADD COLUMN idvisit INTEGER DEFAULT 1;
           ALTER TABLE web.matomo_log_link_visit_action ADD COLUMN server_time TIMESTAMP;
           UPDATE web.matomo_log_link_visit_action
           SET server_time = TIMESTAMP '2025-01-02 10:00' + to_minutes(idlink_va)"""
    )
    report = sqlscore.map_export(con, "matomo", "web")
    found = con.execute("SELECT event_type FROM sqlscore.events ORDER BY event_time").fetchall()
    assert [action for (action,) in found] == ["Home", "site search", "play", "content interaction"]
    assert report.rules["rows of actions that are no events, left out"] == 1
