"""The host's own doors, beside the app's routes: what it is doing, and running something now.

What may live here: `/admin/...`, as the platform's host has it on a developer's machine, where it asks for no
key, and tells its keys under `/admin/host/keys` as it does in Azure. Two things are this host's own: `?wait=true`
on a run, which answers 200 with how the run ended instead of 202 at once, and `GET /admin/host/logs?since=N`,
the app's log lines after line N.
"""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.host.bindings import Function, HttpTrigger, QueueTrigger
from sandbox.host.host import FunctionsHost, NoSuchFunctionError, NotRunningError
from sandbox.misfits import misfits
from sandbox.wire import Request, Response, as_json

VERSION = "4.0.0"
"""The version of the host that this one stands in for; callers check its major part."""


class _Run(BaseModel):
    model_config = ConfigDict(extra="ignore")

    input: str | None = None


class AdminDoors:
    """Answers requests to a host: `/admin/...` here, everything else by the app's routes."""

    def __init__(self, host: FunctionsHost) -> None:
        self._host = host

    async def handle(self, request: Request) -> Response:  # noqa: PLR0911 - one per door
        """The answer to one request."""
        parts = [part for part in request.path.split("/") if part]
        if not parts or parts[0] != "admin":
            return await self._host.answer(request)
        query = dict(parse_qsl(request.query))
        match (request.method, *parts[1:]):
            case ("GET", "host", "status"):
                return as_json(200, self.status())
            case ("GET" | "POST", "host", "ping"):
                return Response(200)
            case ("POST", "host", "restart"):
                await self._host.restart()
                return Response(202)
            case ("GET", "host", "logs"):
                return self._logs(query)
            case ("GET", "host", "keys" | "functionkeys" | "systemkeys" as kind, *name):
                return self._keys(kind, name)
            case ("GET", "functions"):
                return as_json(200, [self._describe(function, request) for function in self._host.functions().values()])
            case ("GET", "functions", name):
                found = {key.casefold(): function for key, function in self._host.functions().items()}
                function = found.get(name.casefold())
                return Response(404) if function is None else as_json(200, self._describe(function, request))
            case ("POST", "functions", name):
                return await self._run(name, request.body, wait=query.get("wait", "").casefold() == "true")
            case _:
                return Response(404)

    def status(self) -> dict[str, Any]:
        """What the host is doing, as `GET /admin/host/status` tells it."""
        host = self._host
        worker = host.worker
        pid = worker.pid if worker is not None and worker.alive else None
        uptime = host.uptime_seconds()
        return {
            "id": host.id,
            "state": host.state.value,
            "version": VERSION,
            "versionDetails": VERSION,
            "processUptime": int(uptime * 1000),
            "errors": list(host.supervisor.errors),
            "restarts": host.supervisor.restarts,
            "workerPid": pid,
            "worker": {
                "pid": pid,
                "restarts": host.supervisor.restarts,
                "cpuSeconds": worker.cpu_seconds() if worker is not None else None,
                "peakMemoryBytes": worker.peak_memory_bytes() if worker is not None else None,
            },
            "functions": {
                name: {
                    "invocations": tally.invocations,
                    "failures": tally.failures,
                    "running": tally.running,
                    "lastError": tally.last_error or None,
                }
                for name, tally in host.tallies.items()
            },
        }

    def _keys(self, kind: str, name: list[str]) -> Response:
        keys = self._host.keys
        match kind, name:
            case "keys" | "functionkeys", []:
                return as_json(200, {"keys": [{"name": "default", "value": keys.function}]})
            case "keys" | "functionkeys", ["default"]:
                return as_json(200, {"name": "default", "value": keys.function})
            case "systemkeys", ["_master"]:
                return as_json(200, {"name": "_master", "value": keys.master})
            case _:
                return Response(404)

    async def _run(self, name: str, body: bytes, *, wait: bool) -> Response:
        try:
            asked = _Run.model_validate_json(body) if body.strip() else _Run()
        except ValidationError as mistake:
            message = "; ".join(what for _, what in misfits(mistake, "body"))
            return _refusal(400, f'The body is {{"input": "<text>"}}, or empty: {message}')
        try:
            run = self._host.run_now(name, asked.input or "")
        except NoSuchFunctionError:
            return Response(404)
        except NotRunningError as why:
            return _refusal(503, str(why))
        except ValueError as why:
            return _refusal(400, str(why))
        if not wait:
            return Response(202)
        # The run goes on when its caller hangs up.
        outcome = await asyncio.shield(run)
        return as_json(200, {"ok": outcome.ok, "error": outcome.error or None, "trace": outcome.trace or None})

    def _logs(self, query: dict[str, str]) -> Response:
        since = query.get("since", "0")
        if not since.isdigit():
            return _refusal(400, f"since is the number of a line, not {since!r}")
        lines = self._host.log.since(int(since))
        return as_json(200, {"lines": [{"number": line.number, "text": line.text} for line in lines]})

    def _describe(self, function: Function, request: Request) -> dict[str, Any]:
        described: dict[str, Any] = {
            "name": function.name,
            "language": "python",
            "isDisabled": function.disabled,
            "href": f"{request.base}/admin/functions/{function.name}",
        }
        match function.trigger:
            case HttpTrigger(route=route, methods=methods, auth_level=level):
                described["trigger"] = {"type": "httpTrigger", "methods": sorted(methods), "authLevel": level}
                described["invoke_url_template"] = "/".join(
                    part for part in (request.base, self._host.route_prefix, route) if part
                )
            case QueueTrigger(queue=queue, sessions=sessions, batches=batches):
                described["trigger"] = {
                    "type": "serviceBusTrigger",
                    "queueName": queue,
                    "isSessionsEnabled": sessions,
                    "cardinality": "many" if batches else "one",
                }
            case timer:
                described["trigger"] = {"type": "timerTrigger", "schedule": timer.schedule.text}
        return described


def _refusal(status: int, message: str) -> Response:
    return Response(
        status, {"content-type": "application/json; charset=utf-8"}, json.dumps({"message": message}).encode()
    )
