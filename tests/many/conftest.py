"""Where do the fleets keep their facts? On the PostgreSQL server of the tests, a new database for each."""

from tests.integration.conftest import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
