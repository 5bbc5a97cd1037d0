"""The whole flow: events in, a snapshot out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, get_args

from graphkit import privacy
from graphkit.config import Config
from graphkit.detect.chance import deal_at_random
from graphkit.detect.communities import find_communities
from graphkit.detect.findings import (
    Behavior,
    Checks,
    Graph,
    describe_makeup,
    leave_out_idle_pairs,
    list_graph,
    make_findings,
)
from graphkit.detect.lineage import keep_identity
from graphkit.detect.members import Grouping, group_accounts
from graphkit.detect.stability import measure_stability, no_stability
from graphkit.detect.templates import list_templates, read_known_templates
from graphkit.engine import DuckDB, Engine, open_engine
from graphkit.errors import UsageError
from graphkit.ingest.events import Intake, read_events
from graphkit.ingest.infrastructure import Infrastructure, read_infrastructure, require_known_tags
from graphkit.ingest.organizations import leave_out_organizations
from graphkit.ingest.partials import drop_unused
from graphkit.ingest.parts import explain_failure
from graphkit.ingest.prompt_mining import KnownTemplates
from graphkit.ingest.public_templates import read_public_templates
from graphkit.ingest.spark import read_events_with_spark
from graphkit.link.activity import gather_events, measure_activity
from graphkit.link.budget import require_memory
from graphkit.link.calibration import LearntPrior, calibration_table, learn_priors, use_learnt
from graphkit.link.couse import find_co_uses
from graphkit.link.links import Links, make_links
from graphkit.link.pairs import sample_pairs
from graphkit.link.profiles import count_traits, find_traits, measure_profiles
from graphkit.link.tags import Known, describe_effect, forget_tags, tag_entities
from graphkit.link.weights import weigh_pairs
from graphkit.manifest import EngineName, describe_content, describe_run
from graphkit.show.layouts import overview_layout
from graphkit.snapshot import Snapshot, build_snapshot
from graphkit.sparkengine import Spark, open_spark
from graphkit.stages import Clock, Progress
from graphkit.tablefile import begin_writing
from graphkit.wording import plural


def analyze(  # noqa: PLR0913  # the one entry of the flow
    events: Any,
    accounts: Any = None,
    config: Config | None = None,
    *,
    as_of: date | None = None,
    infrastructure: str | Path | Infrastructure | None = None,
    public_templates: Any = None,
    key: bytes = privacy.PUBLIC_KEY,
    parent_of: Callable[[date], Snapshot | None] | None = None,
    memory: str = "4GB",
    scratch: str | Path | None = None,
    partials: Path | None = None,
    tables_in: Path | None = None,
    rehash: bool = False,
    engine: EngineName = "duckdb",
    spark_master: str | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    """Find clusters of accounts that share more than chance explains.

    Parameters
    ----------
    events
        Path, folder, glob, list of these, or a pandas, polars or Arrow frame: account_id, timestamp,
        and at least one column that is a kind of link.
    accounts
        The same for accounts: account_id, created_at, and kinds that belong to the account.
    config
        Settings; see docs/config.md.
    as_of
        Last UTC day that counts; by default the day of the newest event.
    infrastructure
        A list of known infrastructure, or the path of one; see docs/infrastructure.md.
    public_templates
        A CSV file or frame with the columns ``name`` and ``text``: prompt templates that are public, by which mined
        ones are named; see docs/templates.md.
    key
        For keyed digests; the default is public, so keep a store (or give a key) where digests must be secret.
    parent_of
        Gives the snapshot that one of a given as-of follows, whose clusters keep their ids; by default there is none.
    memory
        Bound for the memory of the largest process, such as "4GB".
    scratch
        Folder for temporary files; by default the system's.
    partials
        Folder in which what was read of files is kept, so that it is not read again; by default it is not.
    tables_in
        Folder in which the tables are kept as files, for as long as the snapshot is used; by default they are held in
        memory.
    rehash
        Tell whether a file is the one read before by its whole content, not by a sample.
    engine
        What runs the relational steps, with the same outcome: "duckdb", here, or "spark", for more events than one
        machine can hold; see docs/spark.md.
    spark_master
        Address of Spark's cluster; by default that of the active session, else ``local[*]``.
    progress
        Told of each stage when it begins and when it is done.

    Raises
    ------
    InputError
        If the events, accounts or infrastructure cannot be used; says what to do.
    BudgetError
        If the memory will not do, told before the long work begins; or if a kind with ``within`` makes more pairs
        than its budget.
    """
    config = config or Config()
    clock = Clock(progress)
    listed, known = _read_list(infrastructure, config), None
    public = [] if public_templates is None else read_public_templates(public_templates)
    if engine == "spark" or _needs_addresses(listed, config):
        partials = None
    with _open(engine, scratch, memory=memory, spark_master=spark_master) as running:
        with clock.stage("read events") as stage:
            if isinstance(running, DuckDB):
                intake = read_events(
                    running,
                    events,
                    accounts,
                    config=config,
                    key=key,
                    as_of=as_of,
                    partials=partials,
                    rehash=rehash,
                    known=_known_from(parent_of),
                )
            else:
                _require_plain_addresses(listed, config)
                intake = read_events_with_spark(running, events, accounts, config=config, key=key, as_of=as_of)
            if listed is not None:
                intake, left_out = leave_out_organizations(running, intake, listed, config=config)
                known = Known(listed, left_out)
            stage.result = f"{intake.n_in_window:,} events, {plural(intake.n_read, 'source')} read anew"
            if intake.templates:
                stage.result += f", {plural(len(intake.templates), 'prompt template')}"
        with explain_failure("events", paths=intake.sources):
            graph, learnt, unusable = _link_accounts(running, intake, known, config=config, key=key, clock=clock)
            given, config = config, use_learnt(config, learnt)
            effect = _compare_without(running, intake, graph, known, config=config, key=key, clock=clock)
            with clock.stage("find communities") as stage, gather_events(running, graph.links, graph.pairs):
                membership = find_communities(graph.pairs, graph.links, config=config)
                grouping = group_accounts(membership, graph.pairs, graph.links)
                stage.result = plural(len(grouping.names), "cluster")
            checks = _check_clusters(graph, grouping, config=config, key=key, clock=clock)
            with (
                clock.stage("measure activity"),
                running.run_beside(partial(_measure_behavior, running, graph.links, grouping)) as measuring,
            ):
                graph, grouping = leave_out_idle_pairs(graph, grouping, config=config)
                makeup = describe_makeup(graph, grouping, checks, config=config)
            behavior = measuring.result()
        days = running.query("SELECT min(first_seen) AS first, max(last_seen) AS last FROM population").to_pylist()[0]
    graph_tables = list_graph(graph, config=config) | {"activity": behavior.activity}
    linked = {"links": graph_tables["links"]}
    with clock.stage("score and explain"), begin_writing(graph_tables, folder=tables_in) as graph_begun:
        del graph_tables  # each goes when it is written
        tables = linked | make_findings(graph, grouping, makeup, behavior, checks, config=config)
        parent = parent_of(intake.as_of) if parent_of else None
        tables, faults = keep_identity(
            tables, parent, as_of=intake.as_of, config=config, n_population=graph.links.n_population
        )
        tables["templates"] = list_templates(graph.links, intake.templates, public=public, key=key)
        tables["calibration"] = calibration_table(learnt, config)
        rest = {name: tables[name] for name in tables if name not in graph_begun}
        with begin_writing(rest, folder=tables_in) as findings_begun:
            clusters, evidence = (tables[name].to_pandas() for name in ("clusters", "evidence"))
            layout = overview_layout(clusters, evidence, seed=config.seed)
    if partials is not None and partials.is_dir():
        drop_unused(partials, intake.segments)
    with clock.stage("write tables"):
        return build_snapshot(
            {"layout": layout},
            begun=graph_begun | findings_begun,
            folder=tables_in,
            as_of=intake.as_of,
            content=describe_content(
                graph, checks.chance, given, intake=intake, key=key, days=days, parent=parent, faults=faults
            )
            | effect,
            run=describe_run(clock, engine, intake, unusable=unusable, known=known),
        )


@contextmanager
def _open(
    name: EngineName, scratch: str | Path | None, *, memory: str, spark_master: str | None
) -> Iterator[DuckDB | Spark]:
    """Open the engine of a name."""
    if name not in get_args(EngineName):
        raise UsageError(f"engine: got {name!r}; allowed: {', '.join(get_args(EngineName))}")
    if name == "spark":
        with open_spark(scratch, master=spark_master, memory=memory) as spark:
            yield spark
    elif spark_master is not None:
        raise UsageError('a master is Spark\'s: give engine "spark" too (--engine spark), or leave it out')
    else:
        with open_engine(scratch, memory=memory) as duck:
            yield duck


def _known_from(parent_of: Callable[[date], Snapshot | None] | None) -> KnownTemplates | None:
    """What gives the templates of the snapshot that one follows."""
    return None if parent_of is None else lambda day: read_known_templates(parent_of(day))


def _require_plain_addresses(listed: Infrastructure | None, config: Config) -> None:
    if _needs_addresses(listed, config):
        raise UsageError(
            'engine "spark" cannot tag addresses that are digested; set digest = false for the kind, leave the list of '
            'known infrastructure out, or use engine "duckdb"'
        )


def _read_list(given: str | Path | Infrastructure | None, config: Config) -> Infrastructure | None:
    """Read the list of known infrastructure, if there is one."""
    if given is None:
        return None
    listed = given if isinstance(given, Infrastructure) else read_infrastructure(given, config)
    require_known_tags(listed, config)
    return listed


def _needs_addresses(listed: Infrastructure | None, config: Config) -> bool:
    """Whether tags are wanted for addresses that are digested, and not kept."""
    return listed is not None and any(kind.digest and kind.normalize == "ip" for kind in config.kinds.values())


def _link_accounts(
    engine: Engine, intake: Intake, known: Known | None, *, config: Config, key: bytes, clock: Clock
) -> tuple[Graph, tuple[LearntPrior, ...], list[dict[str, Any]]]:
    """Make the match-weight graph; also gives what was learnt of the priors, and what was set aside."""
    with clock.stage("make links") as stage:
        traits = find_traits(engine) if config.reach else ()
        links, unusable = make_links(engine, intake, config=config, traits=count_traits(traits))
        if known is not None:
            links = tag_entities(links, known.listed, config=config, engine=engine)
        stage.result = f"{links.n_population:,} accounts, {len(links.account):,} links"
    require_memory(links, config=config, memory=engine.memory)
    with clock.stage("sample pairs") as stage:
        co_uses = find_co_uses(engine, intake, links, config=config)
        with engine.run_beside(lambda: measure_profiles(engine, links, traits)) as measuring:
            candidates = sample_pairs(links, co_uses=co_uses, config=config, key=key)
        links = replace(links, profiles=measuring.result())
        stage.result = f"{len(candidates):,} pairs, {plural(links.profiles.shape[1], 'feature')}"
    with clock.stage("weigh pairs") as stage:
        learnt = learn_priors(candidates, links, co_uses=co_uses, config=config)
        pairs, corroboration = weigh_pairs(
            candidates, links, co_uses=co_uses, config=use_learnt(config, learnt), sampling=config
        )
        stage.result = f"{len(pairs.a):,} pairs count"
    return Graph(links, co_uses, pairs, corroboration), learnt, intake.unusable + unusable


def _compare_without(
    engine: Engine, intake: Intake, graph: Graph, known: Known | None, *, config: Config, key: bytes, clock: Clock
) -> dict[str, Any]:
    """What the list of known infrastructure changed, for the content; nothing where there is none."""
    if known is None:
        return {}
    with clock.stage("compare without tags") as stage:
        links = forget_tags(graph.links)
        co_uses = find_co_uses(engine, intake, links, config=config)
        candidates = sample_pairs(links, co_uses=co_uses, config=config, key=key)
        before, _ = weigh_pairs(candidates, links, co_uses=co_uses, config=config)
        effect = describe_effect(known, graph.links, graph.pairs, before, config=config)
        stage.result = f"{plural(effect['n_pairs_unlinked'], 'pair')} unlinked"
    return {"infrastructure": effect}


def _check_clusters(graph: Graph, grouping: Grouping, *, config: Config, key: bytes, clock: Clock) -> Checks:
    """Test stability and chance, as far as the settings ask for it."""
    stability, chance = no_stability(grouping, graph.links), []
    if config.stability:
        with clock.stage("test stability") as stage:
            stability = measure_stability(grouping, graph.pairs, graph.links, co_uses=graph.co_uses, config=config)
            stage.result = plural(len(stability.runs), "run")
    if config.chance_runs:
        with clock.stage("deal at random") as stage:
            chance = list(deal_at_random(graph.links, config=config, key=key))
            stage.result = plural(len(chance), "run")
    return Checks(stability, chance)


def _measure_behavior(engine: Engine, links: Links, grouping: Grouping) -> Behavior:
    activity, usage = measure_activity(engine, links, grouping.cluster, grouping.names)
    return Behavior(
        activity, usage, engine.query("SELECT n_events, created_at FROM population ORDER BY ALL").to_pandas()
    )
