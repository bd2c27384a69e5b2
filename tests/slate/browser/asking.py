"""A slate is asked without a page."""

from served import PATIENCE, page_of

from ardoise.slate.packets import pack, unpack


def ask(slate, kind, **fields):
    """Return what a slate answers to a request."""
    with page_of(slate.address, slate.token) as socket:
        socket.send(pack({"id": 1, "type": kind, **fields}))
        while True:  # past what pages are told meanwhile
            header, _ = unpack(socket.recv(timeout=PATIENCE))
            if header.get("id") == 1:
                return header
