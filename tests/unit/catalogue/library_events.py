"""Run in a process of its own: imports the modules named, and prints all event classes that the library knows there.

Not a test: what `eventsourcing` itself says of sources is compared with what was read of them.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from typing import Any

from eventsourcing.domain import CanMutateAggregate
from eventsourcing.utils import get_topic

ENVELOPE = {"originator_id", "originator_version", "originator_topic", "timestamp"}


def events_of(owner: type[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in vars(owner):
        nested: Any = vars(owner)[name]
        if (
            isinstance(nested, type)
            and issubclass(nested, CanMutateAggregate)
            and name != "Event"
            and name[0].isupper()
        ):
            event_class: Any = nested
            names = [field.name for field in dataclasses.fields(event_class) if field.name not in ENVELOPE]
            found[get_topic(nested)] = [getattr(nested, "class_version", 1), sorted(names)]
    return found


if __name__ == "__main__":
    folder, *modules = sys.argv[1:]
    sys.path.insert(0, folder)
    said: dict[str, Any] = {}
    for module_name in modules:
        module: Any = importlib.import_module(module_name)
        for name in dir(module):
            value: Any = getattr(module, name)
            if isinstance(value, type) and value.__module__ == module_name:
                said.update(events_of(value))
    print(json.dumps(said))
