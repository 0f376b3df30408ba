"""Why a call failed."""
import enum

import grpc

from .v1 import lock_service_pb2 as pb

# conclave.v1.Code of the protocol: Code.LOCK_HELD, Code.NO_NODE ...
Code = enum.IntEnum("Code", pb.Code.items())


class CallError(Exception):
    """A call was refused, and not done. `code` says why."""

    def __init__(self, code, message):
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


class SessionExpired(CallError):
    """The session is over: its handles, locks and ephemeral files are lost. What was under way may have been done."""

    def __init__(self, message, code=Code.SESSION_EXPIRED):
        super().__init__(code, message)


# After these there is no session any more.
GONE = frozenset({Code.SESSION_EXPIRED, Code.NO_SESSION})


def code_of(error: grpc.RpcError):
    """The Code in the trailing metadata of a failed call; CODE_UNKNOWN if the gateway said none."""
    for key, value in error.trailing_metadata() or ():
        if key == "conclave-code" and value in Code.__members__:
            return Code[value]
    return Code.CODE_UNKNOWN
