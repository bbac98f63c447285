"""`export ledger`: every record as it is stored, chain by chain, to keep or to read by a program.

Lives here: the rows. Records have ids and no names, and so has the file. Whether the chains hold, `ledger verify` says.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cli.answer import Answer
from cli.export_activity import read_bounds
from cli.export_file import RowFile
from cli.faults import Status
from cli.ledger_show import find_chain
from cli.operating import StoreDesk, on_store
from cli.out import Out
from shared.adapters.store.ledger_rows import body_text
from shared.answers.documents import Rows, utc
from shared.domain.history.records import Record
from shared.errors import Permanent

COLUMNS: Final = ("key", "sequence", "at", "kind", "body", "previous", "digest")


def export_ledger(out: Out, key: str, start: str, end: str, *, lines: bool, to: Path | None) -> int:
    """Answers; 1 when a record could not be read. `key` is one chain, "" for all."""
    first, last = read_bounds(out, start, end, "")
    file = RowFile(out, COLUMNS, lines=lines, to=to)
    unreadable: list[str] = []

    async def write(desk: StoreDesk) -> None:
        keys = (
            [await find_chain(desk, key)]
            if key
            else sorted(
                [one async for one in desk.ledger.keys()]  # noqa: SIM118 - it is no mapping
            )
        )
        with file:
            for chain in keys:
                try:
                    async for record in desk.ledger.read(chain, unreadable):
                        if (first is None or first <= record.at) and (last is None or record.at < last):
                            file.add(_row(record, as_text=file.kept is None and not lines))
                except Permanent as damaged:
                    unreadable.append(str(damaged))

    on_store(write)
    out.note(*(f"Not exported: {one}" for one in unreadable))
    status = Status.FAILED if unreadable else Status.DONE
    if file.kept is None:
        return status
    rows = Rows.of(COLUMNS, [{**one, "body": _text(one["body"])} for one in file.kept])
    body = {"records": file.kept, "unreadable": unreadable}
    return out.answer(Answer("export-ledger", body, [], rows, complete=not unreadable, status=status))


def _row(record: Record, *, as_text: bool) -> Mapping[str, Any]:
    body = json.loads(body_text(record.body))
    return {
        "key": record.key,
        "sequence": record.sequence,
        "at": utc(record.at),
        "kind": record.kind,
        "body": _text(body) if as_text else body,
        "previous": record.previous,
        "digest": record.digest,
    }


def _text(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)
