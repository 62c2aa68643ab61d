"""The `sintalk` command. Doorways only: each imports late what it opens, so that all start quickly."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys

import click

from sintalk.config import ConfigError, Settings


class OneSentence(click.Group):
    """Commands whose refusals are one sentence on stderr and exit code 1, without a traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except ConfigError as error:
            click.echo(str(error), err=True)
            context.exit(1)


@click.group(cls=OneSentence, help="Sintalk: SMS, RCS and voice campaigns for many tenants.")
def main() -> None:
    logging.basicConfig(
        level=Settings.from_env().log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for chatty in ("httpx", "botocore", "boto3", "urllib3", "alembic.runtime.plugins"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@main.command()
@click.option("--demo", is_flag=True, help="First tenant with play money, a sample list and templates.")
@click.option("--with-parent", is_flag=True, hidden=True, help="Stop when the process that started it ends.")
def up(demo: bool, with_parent: bool) -> None:
    """Start everything, in the foreground: servers, web, workers, sweeper, simulator."""
    from sintalk.servers import process, supervisor

    if with_parent:
        process.die_with_parent(signal.SIGTERM)
    if demo:
        os.environ["SINTALK_DEMO"] = "1"
    sys.exit(supervisor.run())


@main.command()
def web() -> None:
    """Serve pages and API on HOST:PORT, without the rest."""
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:sintalk.servers.web", "wsgi:app"]
    os.execv(sys.executable, argv)  # noqa: S606 - in our place, so that signals reach it


@main.command()
@click.argument("queue")
def worker(queue: str) -> None:
    """Work on one queue: default, dispatch, imports or webhooks. Start several for more."""
    from sintalk import worker as rq_worker

    rq_worker.run(queue)


@main.command()
def sweep() -> None:
    """Find what a crash left behind and ring for it again, every few seconds."""
    from sintalk import sweeper

    sweeper.run()


@main.command()
def simulator() -> None:
    """Run the simulator carrier on SINTALK_SIMULATOR_URL."""
    from sintalk.carriers.simulator import server
    from sintalk.servers.process import collect_seldom

    collect_seldom()
    server.run(Settings.from_env())


@main.command()
def migrate() -> None:
    """Bring the database's tables up to date."""
    from sintalk import create_core, migrating

    with create_core().app_context():
        migrating.upgrade()


@main.command()
def check() -> None:
    """Check the ledger and all counts against the rows; say each violation; exit 1 if there is one."""
    from sintalk import checks, create_core

    with create_core().app_context():
        violations = checks.run()
    for violation in violations:
        click.echo(f"Not true: {violation.sentence}")
        for row in violation.rows:
            click.echo("  " + ", ".join(map(str, row)))
    click.echo(f"{len(violations)} violations." if violations else "No violation.")
    sys.exit(1 if violations else 0)


@main.command()
@click.argument("email")
def password(email: str) -> None:
    """Make up a new password for somebody who lost theirs; print it once; end their sessions."""
    import secrets

    from sintalk import create_core
    from sintalk.auth import service
    from sintalk.errors import NotFound

    made_up = secrets.token_urlsafe(12)
    with create_core().app_context():
        try:
            service.replace_password(email, made_up)
        except NotFound as error:
            raise ConfigError(str(error.message)) from None
    click.echo(f"New password of {email}: {made_up}")


@main.command()
def demo() -> None:
    """Put the samples of demo mode into the first tenant: play money, a list, templates."""
    from sintalk import create_core
    from sintalk.accounts import bootstrap
    from sintalk.dashboard import demo as samples

    settings = Settings.from_env()
    with create_core(settings).app_context():
        owner = bootstrap.ensure(settings)
        if owner is None:
            raise ConfigError("Nobody is here yet: open the address and make the first account.")
        samples.seed(owner.user.tenant_id)


@main.command(hidden=True)
@click.argument("host")
@click.argument("port", type=int)
@click.argument("target", type=int)
def store_door(host: str, port: int, target: int) -> None:
    """Carry connections on HOST:PORT to the embedded store on loopback's port TARGET."""
    from sintalk.servers import door

    door.run(host, port, target)


@main.command(hidden=True)
def setup() -> None:
    """What `up` does before the product starts; prints who may sign in, as JSON, `{}` for nobody yet."""
    from sintalk import create_core, migrating
    from sintalk.accounts import bootstrap

    settings = Settings.from_env()
    with create_core(settings).app_context():
        migrating.upgrade()
        owner = bootstrap.ensure(settings)
        if settings.demo and owner:
            from sintalk.dashboard import demo as samples

            samples.seed(owner.user.tenant_id)
        known = {"email": owner.user.email, "password": owner.password} if owner else {}
    click.echo(json.dumps(known))
