"""`install-service` and `uninstall-service`, below the root of another system; on a running one: `tests/service`."""

import os
import sys
from pathlib import Path

import pytest

from pdfocr_watcher.service.units import MARK

_UNITS = Path("etc/systemd/system")


@pytest.fixture
def run(command):
    """Run a command that ends with a status; what it prints and says."""

    def do(*arguments, expect):
        outcome = command(*arguments)
        assert outcome.status == expect, outcome.out + outcome.err
        return outcome.out + outcome.err

    return do


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "ocr" / "config.yaml"
    path.parent.mkdir()
    path.write_text("engine: rapidocr\npermissions: {group: root}\nservice: {shutdown_seconds: 45}\n")
    return path


@pytest.fixture
def system(tmp_path):
    root = tmp_path / "system"
    root.mkdir()
    return root


def _files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_dry_run_shows_the_units_for_a_configuration_and_writes_nothing(run, config, system):
    shown = run("install-service", "--config", config, "--root", system, "--dry-run", expect=0)
    assert f"==> {system}/etc/systemd/system/pdfocr-watcher.service <==" in shown
    assert f"run --config {config}\n" in shown
    assert f"ReadWritePaths=-{config.parent}\n" in shown
    assert f"RequiresMountsFor={config.parent}\n" in shown
    assert "TimeoutStopSec=60\n" in shown
    assert "SupplementaryGroups=root\n" in shown
    assert f"ExecStart={sys.prefix}/bin/pdfocr-watcher run" in shown or f"ExecStart={sys.executable} -m" in shown
    assert _files(system) == []


def test_metrics_that_lie_elsewhere_can_be_written_there(run, config, system):
    config.write_text("engine: rapidocr\nservice: {metrics_file: /var/lib/node_exporter/ocr.prom}\n")
    shown = run("install-service", "--config", config, "--root", system, "--dry-run", expect=0)
    assert "ReadWritePaths=-/var/lib/node_exporter\n" in shown
    assert "d /var/lib/node_exporter " not in shown


def test_what_is_installed_is_removed_again_and_nothing_else(run, config, system):
    run("install-service", "--config", config, "--root", system, expect=0)
    written = _files(system)
    assert "etc/systemd/system/pdfocr-watcher.service" in written
    assert "etc/sysusers.d/pdfocr-watcher.conf" in written
    own = system / _UNITS / "pdfocr-watcher.service.d" / "override.conf"
    own.parent.mkdir()
    own.write_text("[Service]\nMemoryMax=8G\n")
    shown = run("uninstall-service", "--root", system, "--dry-run", expect=0)
    assert shown.count("would be removed") == len(written)
    run("uninstall-service", "--root", system, expect=0)
    assert _files(system) == [str(own.relative_to(system))]
    assert "Nothing of pdfocr-watcher is there" in run("uninstall-service", "--root", system, expect=0)


def test_installing_again_takes_up_what_the_configuration_says_now(run, config, system):
    run("install-service", "--config", config, "--root", system, expect=0)
    config.write_text("engine: rapidocr\nservice: {shutdown_seconds: 100}\n")
    run("install-service", "--config", config, "--root", system, expect=0)
    assert "TimeoutStopSec=115\n" in (system / _UNITS / "pdfocr-watcher.service").read_text()


def test_what_an_earlier_installation_opened_is_closed_again(run, config, system):
    run("install-service", "--config", config, "--droppers", "--root", system, expect=0)
    run("install-service", "--config", config, "--root", system, expect=0)
    assert not (system / _UNITS / "pdfocr-watcher.service.d").exists()


@pytest.mark.parametrize("link", [False, True])
def test_a_unit_that_is_somebodys_own_is_never_replaced_nor_removed(run, config, system, tmp_path, link):
    unit = system / _UNITS / "pdfocr-watcher.service"
    unit.parent.mkdir(parents=True)
    target = tmp_path / "mine"
    target.write_text(MARK if link else "[Service]\n")
    unit.symlink_to(target) if link else unit.write_text("[Service]\n")
    refused = run("install-service", "--config", config, "--root", system, expect=1)
    assert "service_refused" in refused
    assert str(unit) in refused.replace("\n", "")
    assert _files(system) == [str(unit.relative_to(system))]
    run("uninstall-service", "--root", system, expect=0)
    assert unit.is_symlink() == link
    assert unit.exists()


def test_instances_come_and_go_one_by_one_and_share_what_is_shared(run, config, system):
    for name in ("gpu0", "gpu1"):
        gpus = ("--gpus", name[-1])
        run("install-service", "--config", config, "--instance", name, *gpus, "--root", system, expect=0)
    drop_in = system / _UNITS / "pdfocr-watcher@gpu1.service.d" / "60-gpu.conf"
    assert "Environment=CUDA_VISIBLE_DEVICES=1\n" in drop_in.read_text()
    run("uninstall-service", "--instance", "gpu1", "--root", system, expect=0)
    assert not drop_in.parent.exists()
    assert (system / _UNITS / "pdfocr-watcher@.service").exists()
    run("uninstall-service", "--instance", "gpu0", "--root", system, expect=0)
    assert _files(system) == []


def test_servers_and_droppers_get_what_they_need(run, config, system):
    config.write_text("engine: vllm-server\nservers: {urls: ['http://gpu1:8000/v1']}\n")
    run("install-service", "--config", config, "--droppers", "--root", system, expect=0)
    drop_ins = system / _UNITS / "pdfocr-watcher.service.d"
    assert sorted(path.name for path in drop_ins.iterdir()) == ["60-droppers.conf", "60-network.conf"]


@pytest.mark.parametrize("name", ["../up", "a b", "-x"])
def test_an_instance_with_a_name_that_leads_elsewhere_is_refused(run, config, system, name):
    for command in (("install-service", "--config", config), ("uninstall-service",)):
        run(*command, f"--instance={name}", "--root", system, expect=2)
    assert _files(system) == []


def test_root_is_not_needed_and_said_so(run, config, system):
    refused = run("install-service", "--config", config, "--user", "root", "--root", system, expect=1)
    assert "--droppers" in refused


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="systemd runs here: this would install a service")
def test_without_a_running_systemd_nothing_is_done_and_why_is_said(run, config):
    assert "systemd does not run here" in run("install-service", "--config", config, expect=1)
    assert "systemd does not run here" in run("uninstall-service", expect=1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_who_is_not_root_is_told_to_be(run, config, system, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Only root" in run("install-service", "--config", config, "--root", system, expect=1)


@pytest.mark.parametrize(
    "named", ["hooks: {failed: [/home/ann/tell, me]}", "render: {passwords_file: /home/ann/passwords}"]
)
def test_what_the_configuration_names_below_home_is_seen(run, config, named):
    config.write_text(f"engine: rapidocr\n{named}\n")
    said = run("install-service", "--config", config, "--dry-run", expect=0)
    assert "ProtectHome=read-only" in said
