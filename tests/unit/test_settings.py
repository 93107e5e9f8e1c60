"""Settings: defaults that work, sources that win in order, faults that name their key, secrets that stay secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.logs import configure_logs, logger, redact, redact_text
from gateway.settings import SettingsError, load_settings, settings_documentation
from gateway.settings_sections import SANDBOX_PASSWORD
from schemas.errors import Problem

EXAMPLE = Path(__file__).parents[2] / "docs" / "gateway.example.toml"


def faults(**environ: str) -> tuple[Problem, ...]:
    """The problems of settings taken from these environment variables."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={f"GATEWAY_{name}": value for name, value in environ.items()})
    return caught.value.problems


def test_without_configuration_it_runs_on_loopback_against_the_simulator() -> None:
    """Defaults need no file: loopback, test usage, the simulated CBP, an embedded database."""
    settings = load_settings(environ={})
    assert (settings.listen.host, settings.listen.port, settings.usage) == ("127.0.0.1", 8470, "T")
    assert settings.partner.url == "http://127.0.0.1:8471/as2"
    assert settings.partner_name == "cbp"
    assert settings.database_url == "var/gateway/gateway.db"
    assert settings.certificate == Path("var/exchange/gateway.pem")
    assert settings.partner_certificate == Path("var/exchange/sandbox.pem")
    assert settings.private_key == Path("var/gateway/gateway-key.pem")


def test_the_example_file_loads_and_shows_the_defaults() -> None:
    """The commented example is a valid file whose active lines are the defaults."""
    assert load_settings(EXAMPLE, environ={}) == load_settings(environ={})


def test_every_line_of_the_example_that_is_switched_off_is_a_real_setting(tmp_path: Path) -> None:
    """Switching on the commented settings of the example gives a file that loads, too."""
    settings_part = EXAMPLE.read_text("utf-8").partition("\nusage")[2]
    lines = [line.removeprefix("# ") for line in ("usage" + settings_part).splitlines()]
    path = tmp_path / "gateway.toml"
    path.write_text("\n".join(lines), "utf-8")
    settings = load_settings(path, environ={})
    assert settings.filer.default_importer is not None
    assert settings.storage.database_url is not None
    assert settings.carrier.sender_id == settings.carrier.scac


def test_later_sources_win(tmp_path: Path) -> None:
    """The file wins over defaults, the environment over the file, overrides over the environment."""
    path = tmp_path / "gateway.toml"
    path.write_text('[listen]\nport = 1001\n[carrier]\nscac = "TSTC"\n[logs]\nlevel = "error"\n', "utf-8")
    environ = {"GATEWAY_CONFIG": str(path), "GATEWAY_LISTEN__PORT": "1002", "GATEWAY_CARRIER__SCAC": "TSTD"}
    settings = load_settings(environ=environ, overrides={"listen": {"port": 1003}})
    assert (settings.listen.port, settings.carrier.scac, settings.logs.level) == (1003, "TSTD", "error")
    assert settings.carrier.sender == "TSTD"


def test_partners_are_set_one_by_one() -> None:
    """A second partner can be named and chosen; the first keeps its own values."""
    environ = {
        "GATEWAY_PARTNERS__BUREAU__URL": "https://bureau.example/as2",
        "GATEWAY_PARTNERS__CBP__COMPRESS": "true",
        "GATEWAY_PARTNER_NAME": "bureau",
    }
    settings = load_settings(environ=environ)
    assert settings.partner.url == "https://bureau.example/as2"
    assert settings.partners["cbp"].compress is True


@pytest.mark.parametrize(
    ("environ", "code", "path"),
    [
        ({"LISTEN__PROT": "1"}, "unknown_key", "listen.prot"),
        ({"PARTNERS__CBP__URLL": "x"}, "unknown_key", "partners.cbp.urll"),
        ({"NONSENSE": "1"}, "unknown_key", "nonsense"),
        ({"LISTEN__PORT": "http"}, "wrong_value", "listen.port"),
        ({"LISTEN__PORT": "65536"}, "wrong_value", "listen.port"),
        ({"LISTEN__HOST": "0.0.0.0"}, "listens_beyond_loopback", "listen.host"),
        ({"LISTEN__HOST": "::"}, "listens_beyond_loopback", "listen.host"),
        ({"LISTEN__HOST": "gateway.example"}, "listens_beyond_loopback", "listen.host"),
        ({"USAGE": "X"}, "wrong_value", "usage"),
        ({"USAGE": "P"}, "sandbox_password_in_production", "filer.password"),
        ({"PARTNER_NAME": "nobody"}, "unknown_partner", "partner_name"),
        ({"PARTNERS__CBP__URL": "ftp://x"}, "not_a_url", "partners.cbp.url"),
        ({"PARTNERS__CBP__URL": "http://x:99999"}, "not_a_url", "partners.cbp.url"),
        ({"PARTNERS__CBP__RECEIPT_URL": "mailto:edi@gw"}, "not_a_url", "partners.cbp.receipt_url"),
        ({"PARTNERS__CBP__RECEIPT_WAIT_SECONDS": "0"}, "wrong_value", "partners.cbp.receipt_wait_seconds"),
        ({"PARTNERS__CBP__TRANSPORT": "directory"}, "missing", "partners.cbp"),
        ({"PARTNERS__CBP__SFTP__HOST_KEY": "SHA256:short"}, "not_a_host_key", "partners.cbp.sftp.host_key"),
        ({"PARTNERS__CBP__SFTP__INBOX": "in/"}, "same_folder", "partners.cbp.sftp"),
        ({"PARTNERS__CBP__SFTP__AFTER": "keep"}, "wrong_value", "partners.cbp.sftp.after"),
        ({"PARTNERS__CBP__SFTP__HOSTKEY": "x"}, "unknown_key", "partners.cbp.sftp.hostkey"),
        ({"FILER__CODE": "toolong"}, "wrong_shape", "filer.code"),
        ({"CARRIER__SCAC": "sfic"}, "wrong_shape", "carrier.scac"),
        ({"STORAGE__DATABASE_URL": "mysql://root:hunter2@x/y"}, "not_a_store_address", "storage.database_url"),
        (
            {"FILER__DEFAULT_IMPORTER": '{"name": "Shop", "number": "1", "number_type": "EIN"}'},
            "wrong_importer_number",
            "filer.default_importer",
        ),
    ],
)
def test_a_fault_names_its_key(environ: dict[str, str], code: str, path: str) -> None:
    """Every kind of wrong setting is refused with a stable code, the path of the key and a remedy."""
    (problem,) = faults(**environ)
    assert (problem.code, problem.path) == (code, path)
    assert problem.text.endswith(".")
    assert problem.remedy
    assert "hunter2" not in problem.text


def test_all_faults_come_at_once() -> None:
    """Three wrong settings give three problems, not the first one."""
    found = faults(LISTEN__PORT="x", CARRIER__SCAC="x", LOGS__LEVEL="loud")
    assert {problem.path for problem in found} == {"listen.port", "carrier.scac", "logs.level"}


def test_a_misspelt_key_is_met_with_a_suggestion() -> None:
    """The remedy for an unknown key names the one that was probably meant."""
    assert faults(LISTEN__PROT="1")[0].remedy == "Did you mean listen.port?"
    assert faults(PARTNERS__CBP__URLL="1")[0].remedy == "Did you mean partners.cbp.url?"


@pytest.mark.parametrize("text", ["listen = [", "\ufeff\x00", "[listen]\nport = 1\nport = 2\n"])
def test_a_file_that_is_not_toml_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    """A damaged file is one problem with the file's name, never another exception."""
    path = tmp_path / "broken.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ={})
    assert caught.value.problems[0].code == "unreadable_toml"
    assert caught.value.problems[0].path == str(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A configuration that was asked for and is not there stops the start."""
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "none.toml", environ={})
    assert caught.value.problems[0].code == "unreadable_file"


def test_remote_listening_can_be_allowed_in_so_many_words() -> None:
    """``allow_remote`` opens other addresses; loopback in any spelling never needs it."""
    assert load_settings(environ={"GATEWAY_LISTEN__HOST": "0.0.0.0", "GATEWAY_LISTEN__ALLOW_REMOTE": "true"})
    for host in ("localhost", "127.8.9.1", "::1"):
        assert load_settings(environ={"GATEWAY_LISTEN__HOST": host}).listen.host == host


def test_variables_that_are_not_settings_are_left_alone() -> None:
    """The client's own variables and those a container platform adds are not read as settings."""
    assert load_settings(
        environ={
            "GATEWAY_API_KEY": "x",
            "GATEWAY_DEBUG": "1",
            "GATEWAY_URL": "http://127.0.0.1:1",
            "GATEWAY_SERVICE_HOST": "10.0.0.1",
            "GATEWAY_PORT": "tcp://10.0.0.1:80",
            "GATEWAY_PORT_8470_TCP_ADDR": "10.0.0.1",
            "PATH": "/bin",
        }
    ) == load_settings(environ={})


def test_settings_are_frozen() -> None:
    """Nobody changes a setting while the gateway runs."""
    with pytest.raises(ValueError, match="frozen"):
        load_settings(environ={}).listen.port = 1  # type: ignore[misc]


def test_secrets_never_show() -> None:
    """No secret stands in repr, str, JSON or the documentation of the settings."""
    secrets = {
        "GATEWAY_FILER__PASSWORD": "HUNTER2",
        "GATEWAY_STORAGE__DATABASE_URL": "postgresql+asyncpg://u:HUNTER2@127.0.0.1/x",
        "GATEWAY_EXCHANGE__PRIVATE_KEY_PASSWORD": "HUNTER2",
        "GATEWAY_PARTNERS__CBP__SFTP__PASSWORD": "HUNTER2",
        "GATEWAY_PARTNERS__CBP__SFTP__PRIVATE_KEY_PASSWORD": "HUNTER2",
    }
    settings = load_settings(environ=secrets)
    assert settings.filer.password.get_secret_value() == "HUNTER2"
    assert "HUNTER2" in settings.database_url
    for shown in (repr(settings), str(settings), settings.model_dump_json(), settings_documentation()):
        assert "HUNTER2" not in shown
        assert SANDBOX_PASSWORD not in shown


def test_the_documentation_lists_every_setting() -> None:
    """The table has a row for each setting, with its variable and what it means."""
    table = settings_documentation()
    for key in (
        "listen.port",
        "partners.<name>.url",
        "partners.<name>.sftp.host_key",
        "filer.bond_type",
        "logs.level",
        "usage",
    ):
        assert f"| `{key}` |" in table
    assert all(len(line.split(" | ")) >= 4 and not line.endswith("|  |") for line in table.splitlines()[2:])


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs of this test, as text; the root logger is as before afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    text = io.StringIO()
    yield text
    root.handlers[:] = handlers
    root.setLevel(level)


def test_logs_are_json_lines_without_secrets(stream: io.StringIO) -> None:
    """Secrets given under any name, nested, or inside text and tracebacks are not written."""
    configure_logs("json", "info", stream)
    log = logger("gateway.test")
    log.info("sent", password="hunter2", headers={"Authorization": "Bearer hunter2hunter2"}, control_number=7)
    log.warning("store", url="postgresql+asyncpg://u:hunter2@127.0.0.1/x", secret=load_settings(environ={}).filer)
    try:
        {}["Bearer hunter2hunter2"]
    except KeyError:
        log.exception("failed")
    logging.getLogger("some.library").error("cannot log in with password=hunter2 to %s", "cbp")
    assert "hunter2" not in stream.getvalue()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines[:3]] == ["sent", "store", "failed"]
    assert lines[0]["control_number"] == 7
    assert lines[0]["level"] == "info"
    assert lines[0]["timestamp"].endswith("Z")
    assert "KeyError" in lines[2]["exception"]


def test_logs_for_a_terminal_are_lines_of_text(stream: io.StringIO) -> None:
    """The console form shows the same events to a person, below the level asked for nothing."""
    configure_logs("console", "warning", stream)
    logger("gateway.test").info("quiet")
    logger("gateway.test").warning("trip_blocked", trip_number="TSTC2503100001")
    assert "quiet" not in stream.getvalue()
    assert "trip_number=TSTC2503100001" in stream.getvalue()


def test_redaction_knows_what_a_secret_looks_like() -> None:
    """Keys in PEM, passwords in addresses and bearer tokens go; identifiers stay."""
    pem = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
    assert "MIIE" not in redact_text(f"key: {pem} after")
    assert redact_text(f"{pem} after").endswith(" after")
    assert redact({"scn": "TSTC25031000001", "data": b"123", "api_key": "abc", "n": 1}) == {
        "scn": "TSTC25031000001",
        "data": "<3 bytes>",
        "api_key": "[redacted]",
        "n": 1,
    }
