"""The systemd units: what they say for one installation. Nothing is written here; `installing` does that.

`python -m pdfocr_watcher.service.units` rewrites `systemd/` in the repository, which is what they say for the default
paths.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

NAME = "pdfocr-watcher"
#: Every file begins with this; what does not is somebody's own and is never replaced or removed.
MARK = "# Written by `pdfocr-watcher install-service`, and removed by `uninstall-service`. Changes: `systemctl edit`.\n"
#: Where the units lie below the root of a system.
UNITS = Path("etc/systemd/system")
#: What an instance may be called: no escapes are needed anywhere.
INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
#: Seconds that a stop may take beyond `service.shutdown_seconds`: those steps with limits of their own.
_STOP_MARGIN = 15
_FIELD = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Installation:
    """One service.

    Attributes:
        program: the command, absolute, with its first arguments.
        config: the configuration file.
        folders: what the daemon writes to.
        reads: what else it reads or runs, by paths of any kind.
        shutdown_seconds: of the configuration.
        user: who it runs as.
        group: that user's group.
        makes_user: whether the two are made where they are missing.
        groups: further groups.
        instance: its name where it is one of several.
        own_folders: those of `folders` that are made, belonging to the user, where they are missing.
        gpu: whether it reads on this machine's GPU.
        gpus: which of them it sees, as in CUDA_VISIBLE_DEVICES; empty for all.
        network: whether it reaches servers.
        droppers: whether it may give results to who dropped the PDFs.
    """

    program: tuple[str, ...]
    config: Path
    folders: tuple[Path, ...]
    reads: tuple[Path, ...] = ()
    shutdown_seconds: float = 20.0
    user: str = "pdfocr"
    group: str = "pdfocr"
    makes_user: bool = True
    groups: tuple[str, ...] = ()
    instance: str = ""
    own_folders: tuple[Path, ...] = ()
    gpu: bool = False
    gpus: str = ""
    network: bool = False
    droppers: bool = False

    @property
    def unit(self) -> str:
        """Its unit's name without the type."""
        return f"{NAME}@{self.instance}" if self.instance else NAME


def default_installation() -> Installation:
    """A program in /opt, a configuration in /etc, folders in /var/lib."""
    root = Path("/var/lib") / NAME
    folders = (root, *(root / name for name in ("inbox", "jobs", "outbox", "failed")))
    program = (f"/opt/{NAME}/bin/{NAME}",)
    return Installation(program, Path("/etc") / NAME / "config.yaml", folders, own_folders=folders)


def unit_files(service: Installation) -> dict[Path, str]:
    """What is written for a service.

    Args:
        service: the service.

    Returns:
        The content of each file, by its path below the root of a system.

    Raises:
        ValueError: a path has a character that no unit can name.
    """
    units = UNITS
    files: dict[Path, str] = {}
    if service.instance:
        files[units / f"{NAME}@.service"] = _service(service, template=True)
        files[units / f"{service.unit}.service.d/50-folders.conf"] = _instance(service)
    else:
        files[units / f"{NAME}.service"] = _service(service, template=False)
        values = _values(service, service.config, service.program, service.folders, NAME)
        files[units / f"{NAME}-purge.service"] = _filled("purge.service", values)
        files[units / f"{NAME}-purge.timer"] = _filled("purge.timer", {})
    drop_ins = units / f"{service.unit}.service.d"
    for wanted, name in ((service.gpu, "gpu"), (service.network, "network"), (service.droppers, "droppers")):
        if wanted:
            files[drop_ins / f"60-{name}.conf"] = drop_in(name, service.gpus)
    if service.makes_user:
        files[Path(f"etc/sysusers.d/{NAME}.conf")] = _filled("sysusers", {"user": service.user})
    if service.own_folders:
        files[Path(f"etc/tmpfiles.d/{service.unit}.conf")] = _tmpfiles(service)
    return {path: MARK + text for path, text in files.items()}


def drop_in(name: str, gpus: str = "") -> str:
    """What relaxes the unit: `gpu`, `network` or `droppers`."""
    devices = (
        f"Environment=CUDA_VISIBLE_DEVICES={gpus}"
        if gpus
        else "# One instance a GPU: Environment=CUDA_VISIBLE_DEVICES=0 in the drop-in of that instance."
    )
    return _filled(f"{name}.conf", {"devices": devices})


def repository_files() -> dict[Path, str]:
    """What lies in `systemd/` of the repository: the files of both kinds of service, and the drop-ins."""
    default = default_installation()
    instance = Installation(default.program, default.config, default.folders, instance="NAME")
    files = {path: text for path, text in unit_files(default).items() if path.name != f"{NAME}.conf"}
    found = {Path(path.name): text for path, text in files.items()}
    found[Path(f"{NAME}@.service")] = unit_files(instance)[UNITS / f"{NAME}@.service"]
    for folder in ("sysusers.d", "tmpfiles.d"):
        found[Path(folder) / f"{NAME}.conf"] = unit_files(default)[Path("etc") / folder / f"{NAME}.conf"]
    for name in ("gpu", "network", "droppers"):
        # Without the mark: what a person puts into place stays there, whatever is installed later.
        found[Path("drop-ins") / f"{name}.conf"] = drop_in(name)
    return found


def _service(service: Installation, *, template: bool) -> str:
    if template:
        state = f"{NAME}-%i"
        values = _values(service, Path("/etc") / NAME / "%i.yaml", service.program, (), state, specifiers=True)
        return _filled("service", {**values, "description": "PDF OCR watcher (%i)"})
    values = _values(service, service.config, service.program, service.folders, NAME)
    return _filled("service", {**values, "description": "PDF OCR watcher"})


def _instance(service: Installation) -> str:
    """What one instance has of its own."""
    values = _values(service, service.config, service.program, service.folders, NAME)
    return "\n".join(
        (
            "[Unit]",
            f"RequiresMountsFor={values['mounts']}",
            "",
            "[Service]",
            "ExecStart=",
            f"ExecStart={values['program']} run --config {values['config']}",
            f"User={service.user}",
            f"Group={service.group}",
            f"TimeoutStopSec={values['stop_seconds']}",
            values["further_groups"],
            f"ProtectHome={values['home']}",
            values["writable"],
            "",
        )
    )


def _values(
    service: Installation,
    config: Path,
    program: tuple[str, ...],
    folders: Iterable[Path],
    state: str,
    *,
    specifiers: bool = False,
) -> dict[str, str]:
    outermost = _outermost(folders)
    program_word = " ".join(_word(part, command=True) for part in program)
    at_home = any(_at_home(path) for path in (Path(program[0]), config, *outermost, *service.reads))
    groups = " ".join(service.groups)
    values = {
        "program": program_word,
        "config": str(config) if specifiers else _word(str(config), command=True),
        "mounts": " ".join(_word(str(path)) for path in outermost) or f"/var/lib/{state}",
        "writable": "\n".join(f"ReadWritePaths={_word(f'-{path}')}" for path in outermost)
        or "# The folder of the state is writable anyway.",
        "home": "read-only" if at_home else "yes",
        "user": service.user,
        "group": service.group,
        "further_groups": f"SupplementaryGroups={groups}" if groups else "# Groups besides: SupplementaryGroups=",
        "stop_seconds": str(round(service.shutdown_seconds) + _STOP_MARGIN),
        "state": state,
    }
    return {**values, "hardening": _filled("hardening", values)}


def _tmpfiles(service: Installation) -> str:
    lines = [
        "# The folders, made where they are missing. The colons: what somebody changes of them later stays.",
    ]
    for path in service.own_folders:
        mode = "2770" if path.name in {"inbox", "outbox", "failed"} else "2750"
        lines.append(f"d {_word(str(path))} :{mode} :{service.user} :{service.group}")
    return "\n".join(lines) + "\n"


def _outermost(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Those that lie in none of the others, each once."""
    unique = sorted(set(folders))
    return tuple(one for one in unique if not any(one != other and one.is_relative_to(other) for other in unique))


def _at_home(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in ("/home", "/root", "/run/user"))


def _word(text: str, *, command: bool = False) -> str:
    """A text as one word of a setting: `%` is no specifier, and `$` of a command no variable.

    Raises:
        ValueError: it has a character that no setting can hold.
    """
    if not text.isprintable():
        raise ValueError(f"{text!r} cannot stand in a systemd unit")
    escaped = text.replace("%", "%%")
    if command:
        escaped = escaped.replace("$", "$$")
    if not re.search(r"""[\s"'\\;]""", escaped):
        return escaped
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")
    return _FIELD.sub(lambda match: values[match[1]].rstrip("\n"), text)
