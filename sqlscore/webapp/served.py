"""What the pages of this process are about; Streamlit runs its script in threads of this process."""

from __future__ import annotations

from sqlscore.webapp.downloads import Downloads
from sqlscore.webapp.opening import Database


class _Served:
    """Filled where the app is started.

    Args:
        database: the file.
        downloads: the links that work.
    """

    database: Database
    downloads: Downloads


SERVED = _Served()
