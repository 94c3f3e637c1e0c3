"""alga serve: the embedded server on a loopback socket, for trying things out and for tests."""

import sys
from typing import Annotated

import typer

from alga.app.session import Session
from alga.core.errors import UsageError
from alga.ui.command import command
from alga.ui.output import Output, interactive

ROLES = ("technician", "admin")
Port = Annotated[int, typer.Option("--port", metavar="N", help="The port; 0 takes any free port.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse what the deployed AlgaPSA refuses; uses separate data.")]
Role = Annotated[str, typer.Option("--role", metavar="|".join(ROLES), help="Whose key is printed.")]


@command
def serve(session: Session, port: Port = 0, strict: Strict = False, role: Role = "technician") -> Output:
    """Serve practice data on 127.0.0.1 until Ctrl-C."""
    if role not in ROLES:
        raise UsageError(f"Unknown role '{role}'.", f"Choose from: {', '.join(ROLES)}")
    if not 0 <= port <= 65535:
        raise UsageError(f"Invalid port {port}.", "Use 1 to 65535, or 0 for any free port.")
    server, key = session.server(strict, role, port)
    typer.echo(f"export ALGA_URL=http://127.0.0.1:{server.server_port}\nexport ALGA_API_KEY={key}")
    sys.stdout.flush()
    if interactive():
        typer.echo("Serving until Ctrl-C. In another terminal paste the two lines above.", err=True)
    with server:
        server.serve_forever()
    return Output(None, "")
