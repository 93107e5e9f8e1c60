"""The settings that the documentation shows for several gateways are settings that work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from gateway.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_documented_settings_of_several_gateways_are_taken(tmp_path: Path) -> None:
    """The block of the page loads without a fault, names one identity and one PostgreSQL, and says what it shows."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "gateway.toml"
    file.write_text(block, "utf-8")
    settings = load_settings(file, environ={})
    assert settings.database_url.startswith("postgresql+asyncpg://")
    assert settings.private_key == Path("/etc/gateway/gateway-key.pem")
    assert settings.processes.model_dump() == tomllib.loads(block)["processes"]
