"""Organizations whose accounts are left out of the population, as the list of known infrastructure says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from graphkit.config import Config
from graphkit.engine import Engine
from graphkit.errors import InputError
from graphkit.ingest.codes import codes_of
from graphkit.ingest.events import Intake
from graphkit.ingest.infrastructure import Infrastructure
from graphkit.wording import plural


@dataclass(frozen=True)
class LeftOut:
    """What was left out, by tag."""

    n_accounts: Mapping[str, int]
    n_events: Mapping[str, int]


def leave_out_organizations(
    engine: Engine, intake: Intake, infrastructure: Infrastructure, *, config: Config
) -> tuple[Intake, LeftOut]:
    """Take the accounts of listed organizations, and all their events, out of the engine's ``events``.

    An account belongs to an organization that its row of the accounts, or one of its events, names.

    Raises
    ------
    InputError
        If organizations are to be left out and no column names them, or no event is left.
    """
    listed = {
        name: tag for name, tag in sorted(infrastructure.organizations.items()) if config.infrastructure[tag].leave_out
    }
    if not listed:
        return intake, LeftOut({}, {})
    if "organization" not in intake.has:
        raise InputError(
            f"{infrastructure.name}: it lists {plural(len(listed), 'organization')}, but neither events nor accounts "
            f"have a column {config.columns.organization!r}; name yours in graphkit.toml:\n"
            '[columns]\norganization = "YOUR COLUMN"'
        )
    codes, tags = codes_of(list(listed), secret=intake.secret), list(listed.values())
    engine.register("listed_organizations", pa.table({"organization": codes, "tag": tags}))
    engine.run("""
        CREATE TEMP TABLE left_out AS
        SELECT account, min(tag) AS tag
        FROM (SELECT account, tag FROM accounts_file JOIN listed_organizations USING (organization)
              UNION ALL SELECT account, tag FROM events JOIN listed_organizations USING (organization))
        GROUP BY account
    """)
    counted = engine.query("""
        SELECT tag, count(DISTINCT account) AS n_accounts, count(*) AS n_events
        FROM events JOIN left_out USING (account) GROUP BY tag ORDER BY tag
    """).to_pylist()
    engine.run("ALTER VIEW events RENAME TO all_events")
    engine.run("CREATE TEMP VIEW events AS SELECT * FROM all_events ANTI JOIN left_out USING (account)")
    n_events = {row["tag"]: row["n_events"] for row in counted}
    n_left = intake.n_in_window - sum(n_events.values())
    if not n_left:
        raise InputError(f"{infrastructure.name}: no event is left without the accounts of its organizations")
    return replace(intake, n_in_window=n_left), LeftOut({row["tag"]: row["n_accounts"] for row in counted}, n_events)
