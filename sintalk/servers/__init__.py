"""The embedded servers: PostgreSQL, Valkey and SeaweedFS from their wheels, and the processes around them.

Tests and tools need only `start_stack(data, settings)`; `sintalk up` is `supervisor.run(settings)`.
"""

from sintalk.servers.stack import Stack, start_stack

__all__ = ["Stack", "start_stack"]
