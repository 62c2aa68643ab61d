"""`python -m bench.rbm SCHEMA`: every payload for Google against its published types, as a JSON schema.

The schema is not part of this repository: it is made of the discovery document of `rcsbusinessmessaging` v1.
That one lacks four fields of a message which "Send messages" describes; they are added here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

from sintalk.carriers.rbm.payloads import agent_message
from tests.carriers.rcs_contents import contents

UNPUBLISHED = ("ttl", "expireTime", "messageTrafficType", "richMessageClassification")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("Which schema? python -m bench.rbm path/to/rbm.schema.json")
    schema = json.loads(Path(sys.argv[1]).read_text())
    schema["definitions"]["AgentMessage"]["properties"] |= {name: {"type": "string"} for name in UNPUBLISHED}
    validator = Draft202012Validator(
        {"$ref": "#/definitions/AgentMessage", "definitions": schema["definitions"]}
    )
    wrong = 0
    for name, content in contents().items():
        faults = [
            f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(agent_message(content))
        ]
        print(f"{'no ' if faults else 'ok '} {name}", *faults, sep="\n     ")
        wrong += bool(faults)
    sys.exit(f"{wrong} payloads are not what Google takes." if wrong else None)


if __name__ == "__main__":
    main()
