"""Views and table macros: one object a `.sql` file, and what reads them."""

from sqlscore.sql.catalog import FILES, SqlObject, objects
from sqlscore.sql.names import REGISTRY_TABLES, SCHEMA, SCORING_FUNCTIONS, retarget

__all__ = ["FILES", "REGISTRY_TABLES", "SCHEMA", "SCORING_FUNCTIONS", "SqlObject", "objects", "retarget"]
