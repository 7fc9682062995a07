"""The server of the app: Streamlit and the downloads, in this process, on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlscore.errors import ServingError
from sqlscore.extras import require
from sqlscore.webapp.downloads import FORMATS, Downloads
from sqlscore.webapp.opening import Database

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

HOST = "127.0.0.1"
SCRIPT = Path(__file__).with_name("main.py")

_OPTIONS = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 200,  # MB
    "theme.base": "light",
    "theme.primaryColor": "#0072B2",
}


class _Served:
    """What the pages of this process are about; Streamlit runs the script in threads of this process."""

    database: Database
    downloads: Downloads


SERVED = _Served()


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
    listener = _listening(port)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    try:
        _run(listener, lambda: ready(url))
    finally:
        SERVED.database.close()


def _run(listener: socket.socket, ready: Callable[[], None]) -> None:
    import uvicorn
    from starlette.routing import Route
    from streamlit import config
    from streamlit.web.server.starlette import App

    address, port = listener.getsockname()[:2]
    for name, value in (_OPTIONS | {"server.address": address, "server.port": port}).items():
        config.set_option(name, value)
    app = App(str(SCRIPT), routes=[Route("/download/{token}", _download)])

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    settings = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
    Server(settings).run(sockets=[listener])


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


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServingError(
            f"{HOST}:{port} cannot be listened on ({error}): choose another port with --port, 0 for any that is free"
        ) from error
    return listener
