"""The commands `install-service` and `uninstall-service`: the systemd units for a configuration."""

import grp
import os
import pwd
import sys
from pathlib import Path
from typing import Annotated

import typer

from pdfocr_watcher.cli.context import ConfigOption
from pdfocr_watcher.config.load import find_config, load_config
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.naming import printable
from pdfocr_watcher.service import installing
from pdfocr_watcher.service.units import INSTANCE, NAME, Installation, unit_files

_DEFAULT_USER = "pdfocr"
#: Where a program is not seen, or not by other users.
_UNSEEN = ("/tmp", "/var/tmp", "/root")  # noqa: S108 - they are only named
#: Words of `permissions.group` that name no group.
_RULES = frozenset({"inherit", "dropper", "daemon"})

InstanceOption = Annotated[
    str, typer.Option("--instance", metavar="NAME", help="One of several services, each with a configuration.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
RootOption = Annotated[
    Path, typer.Option("--root", metavar="DIR", help="Another system's root folder; nothing is started there.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: `pdfocr-watcher install-service --config /etc/pdfocr-watcher/config.yaml`")(
        install_service
    )
    app.command(epilog="Example: `pdfocr-watcher uninstall-service`")(uninstall_service)


def install_service(
    config: ConfigOption = None,
    user: Annotated[str, typer.Option("--user", help="Who it runs as; made if missing.")] = _DEFAULT_USER,
    instance: InstanceOption = "",
    gpus: Annotated[
        str, typer.Option("--gpus", metavar="NUMBERS", help="The GPUs that it sees, as in CUDA_VISIBLE_DEVICES.")
    ] = "",
    droppers: Annotated[bool, typer.Option("--droppers", help="Let it give results to who dropped the PDFs.")] = False,
    network: Annotated[bool, typer.Option("--network", help="Let it use the network, as hooks that send may.")] = False,
    dry_run: DryRunOption = False,
    root: RootOption = Path("/"),
) -> None:
    """Write the systemd units for a configuration; what it does is not started."""
    from pdfocr_watcher.engines.registry import resolve_engine  # noqa: PLC0415 - --help does not need it

    file = find_config(config, os.environ).absolute()
    loaded = load_config(file, os.environ)
    engine = resolve_engine(loaded.engine.name)
    service = _described(loaded, file, user, instance, engine, gpus, droppers=droppers, network=network)
    try:
        files = unit_files(service)
    except ValueError as error:
        raise PdfocrError(ErrorCode.SERVICE_REFUSED, f"{error}.") from error
    if dry_run:
        for path, text in files.items():
            typer.echo(f"==> {root / path} <==\n{text}")
        return
    _refuse_unless_able(root)
    installing.write_files(files, root)
    for path in files:
        typer.echo(f"{root / path} written.")
    # What an earlier installation opened is closed again.
    stale = [path for path in installing.drop_ins(service.unit, root) if path.relative_to(root) not in files]
    installing.remove_files(stale)
    for path in stale:
        typer.echo(f"{path} removed.")
    if root != Path("/"):
        return
    names = {path.parts[1]: str(root / path) for path in files if path.parts[1] in {"sysusers.d", "tmpfiles.d"}}
    if "sysusers.d" in names:
        installing.tell("systemd-sysusers", names["sysusers.d"])
    if "tmpfiles.d" in names:
        installing.tell("systemd-tmpfiles", "--create", names["tmpfiles.d"])
    installing.tell("systemctl", "daemon-reload")
    for advice in _advice(service):
        typer.echo(f"advice: {printable(advice)}")
    typer.echo(f"Start it, now and at every boot: systemctl enable --now {service.unit}")


def uninstall_service(
    instance: InstanceOption = "", dry_run: DryRunOption = False, root: RootOption = Path("/")
) -> None:
    """Stop the service and remove the units that install-service wrote; folders, results and the user stay."""
    unit = _unit(instance)
    written = installing.written_files(unit, root)
    if dry_run:
        for path in written:
            typer.echo(f"{path} would be removed.")
        return
    _refuse_unless_able(root)
    if not written:
        typer.echo(f"Nothing of {unit} is there that install-service wrote.")
        return
    if root == Path("/"):
        timers = [path.name for path in written if path.suffix == ".timer"]
        installing.tell("systemctl", "disable", "--now", f"{unit}.service", *timers)
    installing.remove_files(written)
    for path in written:
        typer.echo(f"{path} removed.")
    if root == Path("/"):
        installing.tell("systemctl", "daemon-reload")


def _unit(instance: str) -> str:
    if instance and not INSTANCE.fullmatch(instance):
        raise typer.BadParameter("letters, digits and _ . - only", param_hint="--instance")
    return f"{NAME}@{instance}" if instance else NAME


def _described(
    config: Config, file: Path, user: str, instance: str, engine: str, gpus: str, *, droppers: bool, network: bool
) -> Installation:
    _unit(instance)
    if user in {"root", "0"}:
        detail = "It needs no root: --droppers gives its user the rights to give results to who dropped the PDFs."
        raise PdfocrError(ErrorCode.SERVICE_REFUSED, detail)
    try:
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        makes_user = False
    except KeyError:
        group, makes_user = user, True
    folders = config.folders
    own_folders = (folders.root, folders.inbox, folders.jobs, folders.outbox, folders.failed)
    metrics = config.service.metrics_file
    named = config.permissions.group
    return Installation(
        program=_program(),
        config=file,
        folders=(*own_folders, Path(metrics).parent) if metrics else own_folders,
        reads=_reads(config),
        shutdown_seconds=config.service.shutdown_seconds,
        user=user,
        group=group,
        makes_user=makes_user or user == _DEFAULT_USER,
        groups=() if named in _RULES else (named,),
        instance=instance,
        own_folders=tuple(folder for folder in own_folders if not folder.exists()),
        gpu=engine == "vllm" or bool(gpus),
        gpus=gpus,
        network=network or engine == "vllm-server",
        droppers=droppers,
    )


def _reads(config: Config) -> tuple[Path, ...]:
    """What the configuration names besides folders: files, programs of hooks, data of engines."""
    engine, hooks = config.engine, config.hooks
    named = (config.render.passwords_file, config.models.folder, engine.tessdata, engine.model)
    return tuple(Path(one).expanduser() for one in (*named, *hooks.completed[:1], *hooks.failed[:1]) if one)


def _program() -> tuple[str, ...]:
    """How this program is started by a service manager: by the environment that it is installed in."""
    command = Path(sys.prefix) / "bin" / NAME
    return (str(command),) if command.exists() else (sys.executable, "-m", "pdfocr_watcher")


def _refuse_unless_able(root: Path) -> None:
    if os.geteuid() != 0:
        raise PdfocrError(ErrorCode.SERVICE_REFUSED, "Only root may do this: run it with sudo.")
    if root == Path("/") and not installing.booted_by_systemd():
        detail = "systemd does not run here (a container, or another service manager)."
        raise PdfocrError(ErrorCode.SERVICE_REFUSED, detail)


def _advice(service: Installation) -> list[str]:
    """What the service will stumble over."""
    found = [
        f"{path} lies where the service cannot see it; make the environment in /opt with /usr/bin/python3."
        for path in (Path(service.program[0]), Path(sys.base_prefix))
        if any(path.is_relative_to(folder) for folder in _UNSEEN)
    ]
    user = pwd.getpwnam(service.user)
    for path, right, what in [(service.config, 4, "read"), *((folder, 2, "write") for folder in service.folders)]:
        if not _may(path, user, right):
            found.append(f"{service.user} may not {what} {path}: give it the right, as by chown or chgrp.")
    return found


def _may(path: Path, user: pwd.struct_passwd, right: int) -> bool:
    """Whether a user has a right (4 to read, 2 to write) by the mode of a path; ACLs are not looked at."""
    try:
        found = path.stat()
    except OSError:
        return False
    if found.st_uid == user.pw_uid:
        return bool(found.st_mode >> 6 & right)
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    return bool(found.st_mode >> (3 if found.st_gid in groups else 0) & right)
