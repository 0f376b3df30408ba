"""One blocking connection that speaks the protocol and interprets nothing."""
import socket
import struct

import protocol

HEADER = struct.Struct(">iqi")


class Closed(Exception):
    """The server closed the connection, or did not answer before the deadline."""


class Connection:
    """Opens the socket and says hello; `hello` holds the server's answer."""

    def __init__(self, port, timeout_ms=40000, session=0, password=b"\0" * 16, last_zxid=0, read_only=False, deadline_s=20):
        self.xid = 0
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=deadline_s)
        except OSError as e:
            raise Closed(f"connect: {e}") from e
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        try:
            self.write(protocol.encode_connect(last_zxid, timeout_ms, session, password, read_only))
            self.hello = protocol.decode_connect(self.read())
        except Closed:
            self.close()
            raise

    def write(self, body):
        try:
            self.socket.sendall(struct.pack(">i", len(body)) + body)
        except OSError as e:
            raise Closed(f"send: {e}") from e

    def send(self, opcode, body, xid=None):
        """Sends a request; returns its xid."""
        if xid is None:
            self.xid += 1
            xid = self.xid
        self.write(struct.pack(">ii", xid, opcode) + body)
        return xid

    def read(self):
        """The next frame."""
        while True:
            if len(self._buffer) >= 4:
                (size,) = struct.unpack_from(">i", self._buffer)
                if len(self._buffer) - 4 >= size:
                    frame, self._buffer = self._buffer[4 : 4 + size], self._buffer[4 + size :]
                    return frame
            try:
                chunk = self.socket.recv(1 << 16)
            except TimeoutError as e:
                raise Closed("no answer") from e
            except OSError as e:
                raise Closed("reset") from e
            if not chunk:
                raise Closed("closed")
            self._buffer += chunk

    def receive(self):
        """(xid, zxid, error, body) of the next frame."""
        frame = self.read()
        if len(frame) < HEADER.size:
            raise Closed(f"a frame of {len(frame)} bytes")
        return (*HEADER.unpack_from(frame), frame[HEADER.size :])

    def close(self):
        self.socket.close()
