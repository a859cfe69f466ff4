"""Run in a process of its own: what the `eventsourcing` library makes of stored events, one JSON line each.

Arguments: the folder of the sources, `module:Application`, a copy of the SQLite file. Not a test.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

if __name__ == "__main__":
    folder, name, file = sys.argv[1:]
    sys.path.insert(0, folder)
    os.environ.update(PERSISTENCE_MODULE="eventsourcing.sqlite", SQLITE_DBNAME=file)
    module_name, _, class_name = name.partition(":")
    application = getattr(importlib.import_module(module_name), class_name)()
    mapper = application.mapper
    start = 1
    while True:
        notifications = application.recorder.select_notifications(start=start, limit=1000)
        if not notifications:
            break
        for notification in notifications:
            start = notification.id + 1
            try:
                event = mapper.to_domain_event(notification)
            except Exception as failure:  # noqa: BLE001 - whatever the library says of an event it cannot load
                print(json.dumps([notification.id, type(failure).__name__, None]))
                continue
            state = dict(vars(event))
            for field in ("originator_id", "originator_version"):
                state.pop(field)
            print(json.dumps([notification.id, type(event).__qualname__, mapper.transcoder.encode(state).decode()]))
    application.close()
