"""`POST /score` over HTTP, and its description."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sqlscore.live.answers import as_arrow, as_json
from sqlscore.live.asked import Asked, Head, document_of, from_arrow, from_document
from sqlscore.live.batching import Batcher
from sqlscore.live.counting import Counting
from sqlscore.live.limits import Limits
from sqlscore.live.openapi import ARROW, description, page
from sqlscore.live.refusals import Refusal, as_body
from sqlscore.live.scoring import LOG, Scorer
from sqlscore.live.tokens import Token

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_LARGE = 256 * 1024  # bytes; such a body is read in a thread, so that others need not wait for it
_JSON = "application/json"


@dataclass(frozen=True)
class Api:
    """Answers requests for scores.

    Attributes:
        scorer: scores.
        token: who may ask.
        counting: what is counted of it.
        limits: of each request.
    """

    scorer: Scorer
    token: Token
    counting: Counting
    limits: Limits = field(default_factory=Limits)

    def routes(self) -> tuple[list[Route], Callable[[], None]]:
        """/score, /openapi.json and /docs; and what ends the thread that scores."""
        batcher = Batcher(self.scorer.score, self.limits, self.counting.scored)
        self.counting.watch(lambda: batcher.waiting)
        # One thread reads large bodies and new mappings, so that a flood of them cannot start many.
        aside = ThreadPoolExecutor(1, thread_name_prefix="sqlscore-read")

        async def openapi(_: Request) -> Response:
            return JSONResponse(description(self.limits))

        async def docs(_: Request) -> Response:
            return HTMLResponse(page(self.limits))

        def close() -> None:
            batcher.close()
            aside.shutdown(wait=False, cancel_futures=True)

        pages = [Route("/openapi.json", openapi, methods=["GET"]), Route("/docs", docs, methods=["GET"])]
        return [Route("/score", _Endpoint(self, batcher, aside), methods=["POST"]), *pages], close

    async def answer(self, request: Request, batcher: Batcher, aside: ThreadPoolExecutor) -> Response:
        """The scores of one request, or why there are none.

        Args:
            request: is read here.
            batcher: scores it, together with others.
            aside: the thread in which a large body is read.
        """
        read = False
        try:
            async with asyncio.timeout(self.limits.seconds):
                self._admit(request)
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind not in (_JSON, ARROW):
                    raise Refusal(415, "Content-Type", f'Content-Type is "{kind}": send {_JSON} or {ARROW}')
                body = await self._body(request)
                read = True
                asked = await self._asked(body, kind, dict(request.query_params), aside)
                columns = await batcher.scores(asked)
                if kind == ARROW:
                    return Response(as_arrow(asked, columns), media_type=ARROW)
                return Response(as_json(asked, columns), media_type=_JSON)
        except TimeoutError:
            return _refused(self._late(read))
        except ClientDisconnect:
            return _refused(Refusal(408, "", "the body did not arrive: send it whole"))
        except Refusal as refusal:
            return _refused(refusal)
        except Exception as error:  # noqa: BLE001 - one request is no reason to break the connections of others
            LOG.error("a request failed: %s", type(error).__name__, exc_info=error)
            return _refused(Refusal(500, "", f"{type(error).__name__}: the log of the server says more"))

    def _late(self, read: bool) -> Refusal:
        if not read:
            return Refusal(408, "", f"the body did not arrive within {self.limits.seconds:g} seconds: send it at once")
        return Refusal(
            503,
            "",
            f"there were no scores within {self.limits.seconds:g} seconds: ask again, with fewer sequences",
            {"Retry-After": "1"},
        )

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode("latin-1")
        if not self.token.admits(given):
            headers = {"WWW-Authenticate": "Bearer"}
            raise Refusal(401, "Authorization", "send the token: Authorization: Bearer TOKEN", headers)

    async def _body(self, request: Request) -> bytes:
        parts, size, most = [], 0, self.limits.body_bytes
        said = request.headers.get("content-length", "")
        if said.isdecimal() and int(said) > most:
            raise _too_large(int(said), most)
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise _too_large(size, most)
            parts.append(part)
        return b"".join(parts)

    async def _asked(self, body: bytes, kind: str, options: dict[str, Any], aside: ThreadPoolExecutor) -> Asked:
        def read() -> Asked:
            if kind == ARROW:
                return from_arrow(body, Head.of(_options(options)), self.limits)
            if options:
                raise Refusal(
                    422, next(iter(options)), "options in the address go with Arrow: write them into the body"
                )
            document = document_of(body)
            head = Head.of(document)
            shape = self.scorer.known_shape(head.mapping) or self.scorer.shape(head.mapping)
            return from_document(document, head, shape, self.limits)

        if len(body) < _LARGE and self.scorer.is_ready:
            return read()
        return await asyncio.get_running_loop().run_in_executor(aside, read)


@dataclass(frozen=True)
class _Endpoint:
    """`POST /score` as an application of its own, without what frameworks put around a function."""

    api: Api
    batcher: Batcher
    aside: ThreadPoolExecutor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        response = await self.api.answer(Request(scope, receive), self.batcher, self.aside)
        self.api.counting.answered(response.status_code, time.perf_counter() - began)
        await response(scope, receive, send)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """The options in an address, as a document has them."""
    for name in given:
        if name not in ("functions", "model", "mapping", "as_of"):
            raise Refusal(422, name, f"{name} is no option: write functions, model, mapping or as_of")
    if "functions" not in given:
        return given
    try:
        return {**given, "functions": json.loads(given["functions"])}
    except (ValueError, RecursionError) as error:
        message = f'functions is no JSON ({error}): write functions=["churn_risk"], encoded for an address'
        raise Refusal(422, "functions", message) from error


def _too_large(size: int, most: int) -> Refusal:
    return Refusal(
        413, "", f"the body has {size:,} bytes, at most {most:,} are taken: send it in parts", {"Connection": "close"}
    )


def _refused(refusal: Refusal) -> Response:
    return Response(as_body(refusal.to_dict()), refusal.status, refusal.headers, _JSON)
