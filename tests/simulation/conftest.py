"""Where does the simulation keep its facts? In memory, and for some seeds on the PostgreSQL server of the tests."""

from tests.integration.conftest import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
