"""A virtual machine with Debian's own kernel, for what the test machine's kernel may lack: CIFS and NFS mounts.

It is emulated (no KVM needed), has no network card, sees the files of its host read-only, and lives for one command.
What runs in it and what is expected of it stands elsewhere.
"""

import gzip
import os
import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.needs import needs_programs

_INIT = Path(__file__).with_name("init.sh")
#: What the guest mounts and with what; the others follow from these.
_MODULES = (
    "virtio_pci", "virtio_blk", "virtio-rng", "9p", "9pnet_virtio", "overlay", "ext4", "crc32c_generic",
    "cifs", "cmac", "ctr", "ccm", "gcm", "ghash-generic", "ecb", "sha512_generic", "md4", "des_generic", "nls_utf8",
    "nfsd", "nfsv4",
)  # fmt: skip
_MEMORY_MB, _DISK_MB, _CORES = 3072, 1024, 2
#: Where the guest finds the folder that both sides write to.
OUTSIDE = Path("/run/outside")


class Machine:
    """A kernel and its first files, made anew in a folder.

    Args:
        base: an empty folder.
    """

    def __init__(self, base: Path) -> None:
        if platform.machine() != "x86_64":
            pytest.skip("the virtual machine is an x86-64 one")
        needs_programs(
            **{"qemu-system-x86_64": "qemu-system-x86", "modprobe": "kmod", "depmod": "kmod", "cpio": "cpio"},
            busybox="busybox-static", apt="apt", dpkg="dpkg",
        )  # fmt: skip
        self._base = base
        self.outside = base / "outside"
        self.outside.mkdir(parents=True)
        self._kernel = self._fetch_kernel()
        self._initrd = self._make_initrd()
        with (base / "disk").open("wb") as disk:
            disk.truncate(_DISK_MB << 20)

    def run(self, command: Sequence[str], environment: dict[str, str], limit: float) -> str:
        """Boot, run a command as root, and switch off; what the console showed.

        Args:
            command: runs with the host's files, below a root that can be written and is forgotten; what it is to
                leave goes below `OUTSIDE`, which is `outside` here.
            environment: of the command.
            limit: seconds after which the machine is switched off in any case.
        """
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
        (self.outside / "command").write_text(
            f"{exports}ip link set lo up\nhostname guest\n{shlex.join(command)} >/run/outside/log 2>&1\n"
            "sync\necho o >/proc/sysrq-trigger\nsleep 60\n"
        )
        share = "local,security_model=none,multidevs=remap"
        arguments = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", str(_MEMORY_MB),
            "-smp", str(_CORES), "-nographic", "-no-reboot", "-nic", "none",
            "-kernel", str(self._kernel), "-initrd", str(self._initrd),
            "-append", "console=ttyS0 panic=-1 quiet mitigations=off",
            "-virtfs", f"{share},path=/,mount_tag=host,readonly=on",
            "-virtfs", f"{share},path={self.outside},mount_tag=outside",
            "-drive", f"file={self._base / 'disk'},format=raw,if=virtio,cache=unsafe", "-device", "virtio-rng-pci",
        ]  # fmt: skip
        try:
            ran = subprocess.run(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return (error.stdout or b"").decode(errors="replace") + f"\nswitched off after {limit:g} s"
        return ran.stdout.decode(errors="replace")

    def _fetch_kernel(self) -> Path:
        """Debian's present kernel with its modules, taken apart below the base and installed nowhere."""
        depends = _output("apt-cache", "depends", "linux-image-amd64")
        packages = re.findall(r"Depends: (linux-image-\S+)", depends)
        if not packages:
            pytest.skip("apt knows no linux-image-amd64; apt-get update")
        fetched = subprocess.run(["apt-get", "download", packages[0]], cwd=self._base, capture_output=True, check=False)
        found = list(self._base.glob("linux-image-*.deb"))
        if fetched.returncode != 0 or not found:
            pytest.skip(f"{packages[0]} cannot be downloaded: {fetched.stderr.decode(errors='replace').strip()}")
        subprocess.run(["dpkg", "-x", found[0], self._base / "kernel"], check=True)
        found[0].unlink()
        (self._version,) = os.listdir(self._base / "kernel/lib/modules")
        subprocess.run(["depmod", "-b", self._base / "kernel", self._version], check=True)
        (kernel,) = (self._base / "kernel/boot").glob("vmlinuz-*")
        return kernel

    def _make_initrd(self) -> Path:
        """The first files of the guest: busybox, the modules in the order in which they go in, and init."""
        files = self._base / "initrd"
        for name in ("bin", "dev", "proc", "sys", "modules"):
            (files / name).mkdir(parents=True)
        busybox = shutil.which("busybox")
        assert busybox is not None
        shutil.copy(busybox, files / "bin/busybox")
        shutil.copy(_INIT, files / "init")
        (files / "init").chmod(0o755)
        order: list[str] = []
        for module in _MODULES:
            show = ("modprobe", "-d", str(self._base / "kernel"), "-S", self._version, "--show-depends", module)
            for path in re.findall(r"^insmod (\S+)", _output(*show), re.MULTILINE):
                name = Path(path).name
                if name not in order:
                    order.append(name)
                    shutil.copy(path, files / "modules" / name)
        (files / "modules/order").write_text("".join(f"{name}\n" for name in order))
        names = "\n".join(str(path.relative_to(files)) for path in sorted(files.rglob("*")))
        packed = subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc"], cwd=files, input=names.encode(), capture_output=True, check=True
        )
        initrd = self._base / "initrd.gz"
        initrd.write_bytes(gzip.compress(packed.stdout, 1))
        return initrd


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()
