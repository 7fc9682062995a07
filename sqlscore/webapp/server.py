"""The server of the app: Streamlit and the downloads, in this process, on loopback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlscore.errors import ServingError
from sqlscore.extras import require
from sqlscore.reporting.theme import COLOURS, TEXT
from sqlscore.serving import loopback
from sqlscore.webapp.customers import mapping_names, source
from sqlscore.webapp.downloads import FORMATS, Downloads
from sqlscore.webapp.opening import Database
from sqlscore.webapp.segment_queries import Segments
from sqlscore.webapp.served import SERVED

if TYPE_CHECKING:
    import socket

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

SCRIPT = Path(__file__).with_name("main.py")

_OPTIONS = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 200,  # MB
    "theme.base": "light",
    "theme.headingFontSizes": ["2rem", "1.5rem", "1.25rem"],
    "theme.metricValueFontSize": "1.8rem",
    "theme.paddingTop": "2rem",
    "theme.primaryColor": COLOURS[0],
    "theme.textColor": TEXT,
}


def serve(path: Path, port: int, device: str, ready: Callable[[str], None]) -> None:
    """Serve the app until the process is told to stop.

    Args:
        path: the database file.
        port: where it listens on loopback; 0 takes one that is free.
        device: where models run, as `connect` takes it.
        ready: is called with the URL once it listens.

    Raises ServingError if Streamlit is not installed or the port is taken, InstallError if the file cannot be read.
    """
    require("streamlit", "the app needs Streamlit", extra="app", error=ServingError)
    SERVED.database = Database(path, device)
    SERVED.downloads = Downloads(SERVED.database)
    SERVED.database.prepare()
    SERVED.database.soon("first page", _first_page)
    listener = loopback.listening(port)
    url = loopback.address(listener)
    try:
        loopback.run(_application(listener), listener, lambda: ready(url))
    finally:
        SERVED.database.close()


def _first_page() -> None:
    """Make what the first page reads, while the browser opens."""
    with SERVED.database.cursor() as con:
        names = mapping_names(con)
        found = source(con, names[0]) if names else None
    if found is not None and found.scored:
        Segments(SERVED.database, found).prepare_scores()


def _application(listener: socket.socket) -> ASGIApp:
    from starlette.routing import Route
    from streamlit import config
    from streamlit.web.server.starlette import App

    # Streamlit would import the pages, and with them Altair and pandas, while the first reader waits.
    from sqlscore.webapp.screens import advice, segments, simulate, trust, why  # noqa: F401

    address, port = listener.getsockname()[:2]
    known = config.get_config_options()  # some came with later versions of Streamlit, and change only the looks
    for name, value in (_OPTIONS | {"server.address": address, "server.port": port}).items():
        if name in known:
            config.set_option(name, value)
    return App(str(SCRIPT), routes=[Route("/download/{token}", _download)])


async def _download(request: Request) -> Response:
    from starlette.responses import PlainTextResponse, StreamingResponse

    download = SERVED.downloads.find(request.path_params["token"])
    if download is None:
        return PlainTextResponse("this link is too old: open the page again\n", status_code=404)
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{download.file_name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(SERVED.downloads.stream(download), media_type=FORMATS[download.form], headers=headers)
