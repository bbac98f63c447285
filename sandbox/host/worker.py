"""The worker process: one function app, driven through Microsoft's own worker library.

`python -m sandbox.host.worker <descriptor>` is started by the host with the app's directory as working
directory and one end of a socket pair as an inherited file descriptor. It indexes the app once, says what it
found, then runs what it is asked to run until the host closes the socket. `azure_functions_runtime` keeps its
registry in module globals, so there is one app to a process and this module is never imported by the host.

What may live here: the translation between frames and that library. No trigger logic, no settings, no
retries.

The steps follow the library's `handle_event` (start and indexing) and `native_invocation` (the same decoding
and execution without protobuf); the classes it expects from protobuf are plain namespaces here.
"""

import asyncio
import json
import logging
import os
import socket
import sys
import time
from types import SimpleNamespace
from typing import Any

# Neither library ships type information, and the first two parts are not public: the version is pinned.
import azure_functions_runtime as runtime  # type: ignore[import-untyped]
from azure_functions_runtime import native_invocation
from azure_functions_runtime.bindings.datumdef import (  # type: ignore[import-untyped]
    Datum as RuntimeDatum,
)

from sandbox.host import frames


class _Named(SimpleNamespace):
    """Stands for any protobuf message: keeps what it was given by name."""


class _BindingInfo(_Named):
    # The enumeration of FunctionRpc.proto, BindingInfo.Direction and DataType.
    in_ = 0
    out = 1
    inout = 2
    undefined = 0
    string = 1
    binary = 2
    stream = 3


class _StatusResult(_Named):
    # The enumeration of FunctionRpc.proto, StatusResult.Status.
    Failure = 0
    Success = 1


class _NamedMessages:
    """The `protos` module that the library builds its answers with."""

    BindingInfo = _BindingInfo
    StatusResult = _StatusResult
    RpcException = _Named
    RpcFunctionMetadata = _Named
    RpcRetryOptions = _Named
    WorkerInitResponse = _Named
    WorkerMetadata = _Named
    FunctionMetadataResponse = _Named


class _LineFormatter(logging.Formatter):
    """One line's head: UTC time, level, logger and, inside an invocation, which one."""

    @staticmethod
    def converter(seconds: float | None) -> time.struct_time:
        return time.gmtime(seconds)

    def format(self, record: logging.LogRecord) -> str:
        invocation_id = runtime.invocation_id_cv.get()
        record.invocation = f" [{invocation_id}]" if invocation_id else ""
        return super().format(record)


def _log_to_stderr() -> None:
    """Sends the app's log to stderr from INFO up, as the platform does unless debug logging is asked for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _LineFormatter(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s%(invocation)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
        )
    )
    debug = os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING", "").lower() in {"1", "true"}
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler])


def _to_runtime(part: list[Any]) -> RuntimeDatum | None:
    kind, value = part
    if kind is None:
        return None
    if kind == "collection_bytes":
        return RuntimeDatum(SimpleNamespace(bytes=value), kind)
    if kind == "collection_string":
        return RuntimeDatum(SimpleNamespace(string=value), kind)
    if kind == "collection_sint64":
        return RuntimeDatum(SimpleNamespace(sint64=value), kind)
    if kind == "http":
        texts = {
            name: {key: RuntimeDatum(text, "string") for key, text in value[name]}
            for name in ("headers", "params", "query")
        }
        return RuntimeDatum(
            {
                "method": RuntimeDatum(value["method"], "string"),
                "url": RuntimeDatum(value["url"], "string"),
                "body": RuntimeDatum(value["body"], "bytes"),
                **texts,
            },
            kind,
        )
    return RuntimeDatum(value, kind)


def _of_runtime(datum: RuntimeDatum | None) -> list[Any]:
    if datum is None or datum.type is None:
        return [None, None]
    if datum.type in {"dict", "list"}:
        return ["json", json.dumps(datum.value)]
    if datum.type == "http":
        value = datum.value
        cookies = [morsel.OutputString() for jar in value["cookies"] or () for morsel in jar.values()]
        return [
            "http",
            {
                "status": int(value["status_code"].value),
                "headers": [[name, text.value] for name, text in value["headers"].items()],
                "cookies": cookies,
                "body": value["body"].value,
            },
        ]
    return [datum.type, datum.value]


def _retry(options: Any) -> dict[str, Any] | None:
    """A function's own retry policy, in seconds; the host decides whether its trigger has retries at all."""
    if options is None:
        return None
    delays = {
        name: getattr(options, name).total_seconds()
        for name in ("delay_interval", "minimum_interval", "maximum_interval")
        if hasattr(options, name)
    }
    return {"max_retry_count": options.max_retry_count, **delays}


async def _index(directory: str) -> dict[str, Any]:
    """Loads the app as the platform does and tells what was found, or why it could not."""
    request = _Named(
        request=_Named(worker_init_request=_Named(capabilities={}, function_app_directory=directory)),
        properties={"host": "127.0.0.1", "protos": _NamedMessages},
    )
    started = await runtime.worker_init_request(request)
    if started.result.status != _StatusResult.Success:
        cause = started.result.exception
        return {"kind": "failed", "message": cause.message, "trace": cause.stack_trace}
    found = (await runtime.functions_metadata_request(request)).function_metadata_results
    if found is None and "function_app.py" not in os.listdir(directory):  # noqa: PTH208 - a check of names
        return {"kind": "failed", "message": f"there is no function_app.py in {directory}", "trace": ""}
    return {
        "kind": "indexed",
        "functions": [
            {
                "id": function.function_id,
                "name": function.name,
                "bindings": [json.loads(binding) for binding in function.raw_bindings],
                "retry": _retry(function.retry_options),
            }
            for function in found or ()
        ],
    }


async def _invoke(frame: dict[str, Any]) -> dict[str, Any]:
    ok, returned, outputs, error, trace = await native_invocation.invocation_request_native(
        frame["id"],
        frame["function_id"],
        [(name, _to_runtime(part)) for name, part in frame["inputs"]],
        {name: _to_runtime(part) for name, part in frame["metadata"].items()},
        retry_count=frame["retry_count"],
        max_retry_count=frame["max_retry_count"],
    )
    return {
        "kind": "done",
        "id": frame["id"],
        "ok": ok,
        "returned": _of_runtime(returned),
        "outputs": [[name, _of_runtime(datum)] for name, datum in outputs],
        "error": error,
        "trace": trace,
    }


def _failed(invocation_id: str, error: str) -> dict[str, Any]:
    return {
        "kind": "done",
        "id": invocation_id,
        "ok": False,
        "returned": [None, None],
        "outputs": [],
        "error": error,
        "trace": "",
    }


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    runtime.start_threadpool_executor()
    directory = os.getcwd()  # noqa: PTH109 - the library takes text
    answer = await _index(directory)
    writer.write(frames.encode(answer))
    await writer.drain()
    running: set[asyncio.Task[None]] = set()

    async def run(frame: dict[str, Any]) -> None:
        answer = await _invoke(frame)
        try:
            encoded = frames.encode(answer)
        except (TypeError, ValueError) as unfit:
            encoded = frames.encode(_failed(frame["id"], f"the function's result cannot leave the worker: {unfit}"))
        writer.write(encoded)
        await writer.drain()

    while (frame := await frames.read(reader)) is not None:
        task = asyncio.create_task(run(frame), name=frame["id"])
        running.add(task)
        task.add_done_callback(running.discard)
    for task in running:
        task.cancel()
    # The host is gone or wants us gone: what still runs in a thread cannot be waited for.
    if running:
        await asyncio.wait(running, timeout=0.2)
    writer.close()


def main(arguments: list[str]) -> int:
    """Runs the app in the working directory for the host at the descriptor; 0 when it hung up."""
    _log_to_stderr()
    connection = socket.socket(fileno=int(arguments[1]))
    connection.set_inheritable(False)
    asyncio.run(_serve(connection))
    return 0


if __name__ == "__main__":
    status = main(sys.argv)
    logging.shutdown()
    sys.stdout.flush()
    # Threads of the app that are still busy would keep the process alive; the platform kills them too.
    os._exit(status)
