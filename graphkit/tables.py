"""The tables of a snapshot: the one list of their columns; docs/tables.md is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FORMAT = 1
"""Number of the store's format; a reader refuses numbers it does not know."""

Type = Literal["text", "texts", "integer", "number", "numbers", "hashes", "time", "day"]


@dataclass(frozen=True)
class Column:
    """A column: its name, its type, what it means, and whether it may be empty (null)."""

    name: str
    type: Type
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """A table: what a row is, its columns, and the columns it is sorted by (ascending, nulls first)."""

    name: str
    row: str
    columns: tuple[Column, ...]
    sorted_by: tuple[str, ...]

    def schema(self) -> pa.Schema:
        """Arrow schema: times are UTC in whole seconds, kept as timestamp[ms]."""
        import pyarrow as pa

        types = {
            "text": pa.string(),
            "texts": pa.list_(pa.string()),
            "integer": pa.int64(),
            "number": pa.float64(),
            "numbers": pa.list_(pa.float64()),
            "hashes": pa.list_(pa.uint64()),
            "time": pa.timestamp("ms", tz="UTC"),
            "day": pa.date32(),
        }
        return pa.schema([pa.field(c.name, types[c.type], nullable=c.nullable) for c in self.columns])

    def from_frame(self, frame: pd.DataFrame) -> pa.Table:
        """The columns of this table in a frame that may have more, as Arrow."""
        import pyarrow as pa

        schema = self.schema()
        if frame.empty:
            return schema.empty_table()
        return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)


_CLUSTER = Column("cluster_id", "text", "the cluster")
_CLUSTER_OR_ALL = Column("cluster_id", "text", "the cluster; empty = the whole population", nullable=True)
_ACCOUNT = Column("account_id", "text", "the account")
_KIND = Column("kind", "text", "the kind of link, as named in the config")
_ENTITY = Column("entity", "text", "the shared thing: an address, an agent, a keyed digest, ...")
_TAG = Column("tag", "text", "what the list of known infrastructure calls it; empty if it does not", nullable=True)
_EVENTS = Column("n_events", "integer", "number of events")
_FIRST = Column("first_seen", "time", "time of the first event")
_LAST = Column("last_seen", "time", "time of the last event")
_INPUT = Column("input_tokens", "integer", "sum of input tokens; empty if the events have none", nullable=True)
_OUTPUT = Column("output_tokens", "integer", "sum of output tokens; empty if the events have none", nullable=True)
_REASON = Column("reason", "text", "what it rests on, where the event alone does not say", nullable=True)
_PAIR = (
    Column("account_a", "text", "one account"),
    Column("account_b", "text", "the other account, later in the alphabet"),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "accounts",
            "an account in a cluster",
            (
                _ACCOUNT,
                _CLUSTER,
                Column("tier", "text", "core, likely or review: how sure the membership is"),
                Column("strength", "number", "bits: the strongest match weight with a member of its cluster"),
                Column(
                    "likeness",
                    "number",
                    "bits that say that it behaves as the others in its cluster do; below 0: as anybody",
                ),
                Column(
                    "n_partners",
                    "number",
                    "estimate of the accounts that it has a pair with, linked or weak: the sum of 1 / p over them",
                ),
                Column(
                    "kinds", "texts", "kinds that its pairs inside its cluster share, linked or weak, by their bits"
                ),
                _EVENTS,
                _FIRST,
                _LAST,
                Column("created_at", "time", "time of creation, from the accounts file", nullable=True),
                Column(
                    "stability",
                    "number",
                    "0 to 1: share of the runs under other seeds, resolutions and draws of edges in which it stays "
                    "with most of its cluster; empty if that was not tested",
                    nullable=True,
                ),
                Column("reasons", "texts", "codes that say why it has its tier; docs/method.md lists them"),
            ),
            ("account_id",),
        ),
        Table(
            "clusters",
            "a cluster of accounts",
            (
                _CLUSTER,
                Column("n_accounts", "integer", "accounts in it"),
                Column("n_core", "integer", "accounts of tier core"),
                Column("score", "number", "0 to 1: how much it looks like one operator's farm"),
                Column(
                    "stability",
                    "number",
                    "0 to 1: mean of `together` in table stability over other seeds, resolutions and draws of edges; "
                    "empty if stability is off, or the cluster is not among the largest, of two million pairs in all",
                    nullable=True,
                ),
                Column(
                    "expected_by_chance",
                    "number",
                    "clusters at least as large, as dense and as alike that links dealt at random give, on average; "
                    "empty if chance_runs is 0 or all kinds have `within`",
                    nullable=True,
                ),
                _EVENTS,
                _INPUT,
                _OUTPUT,
                _FIRST,
                _LAST,
                Column("verdict", "text", "the verdict that holds, joined from the reviews on reading", nullable=True),
                Column(
                    "verdict_basis",
                    "text",
                    "own: the cluster was reviewed; inherited: one that it comes from was; outgrown: either, and too "
                    "many of its accounts came later; joined on reading",
                    nullable=True,
                ),
                Column(
                    "verdict_covers",
                    "number",
                    "0 to 1: share of its accounts that were in the reviewed cluster; joined on reading, empty where "
                    "the reviewed snapshot is gone",
                    nullable=True,
                ),
                Column("binding", "text", "what binds it, in plain words"),
            ),
            ("cluster_id",),
        ),
        Table(
            "score_parts",
            "a part of a cluster's score",
            (
                _CLUSTER,
                Column("part", "text", "name of the part; docs/scores.md describes each"),
                Column("value", "number", "the cluster's value", nullable=True),
                Column("population", "number", "the population's value of the same", nullable=True),
                Column(
                    "effect",
                    "number",
                    "0 to 1: how much the value speaks for a farm; 0.5 tells nothing, empty if it has no value",
                    nullable=True,
                ),
                Column("contribution", "number", "log odds that the part adds to the score; below 0 it takes away"),
                Column("missing", "text", "why the part has no value; empty if it has one", nullable=True),
            ),
            ("cluster_id", "part"),
        ),
        Table(
            "stability",
            "a cluster that was tested, and a perturbation under which the communities were found again",
            (
                _CLUSTER,
                Column("perturbation", "text", "what was changed, such as another seed or a kind left out"),
                Column(
                    "together",
                    "number",
                    "0 to 1: of the pairs of accounts together before or after, the share together both times",
                ),
                Column("n_parts", "integer", "parts of two accounts or more that the cluster is in afterwards"),
                Column("largest_part", "number", "0 to 1: share of its accounts that the largest part holds"),
            ),
            ("cluster_id", "perturbation"),
        ),
        Table(
            "links",
            "a link of an account that has a pair to an entity that two or more accounts share",
            (_ACCOUNT, _KIND, _ENTITY, _EVENTS, _FIRST, _LAST),
            ("account_id", "kind", "entity"),
        ),
        Table(
            "entities",
            "an entity that two or more accounts share",
            (
                _KIND,
                _ENTITY,
                Column("n_accounts", "integer", "accounts that use it"),
                Column("rarity_bits", "number", "bits: log2(N / n_accounts)"),
                Column(
                    "corroboration",
                    "number",
                    "share of the sampled pairs that share it and hold 12 bits or more from other kinds; "
                    "empty where it makes no pairs",
                    nullable=True,
                ),
                _TAG,
            ),
            ("kind", "entity"),
        ),
        Table(
            "calibration",
            "a kind of link in the data, and what corroboration says of its prior",
            (
                _KIND,
                Column("given_prior", "number", "bits, from the config"),
                Column(
                    "learnt_prior", "number", "bits, learnt from corroboration; empty where it cannot be", nullable=True
                ),
                Column("n_entities", "integer", "entities that make pairs, from which it is learnt"),
                Column("verdict", "text", "agrees, too high or too low: the given prior; or why none is learnt"),
                Column("prior", "number", "bits that weighed: the learnt ones only where calibrate is true"),
            ),
            ("kind",),
        ),
        Table(
            "pairs",
            "a sampled pair of accounts: linked, or weak and inside a cluster",
            (
                *_PAIR,
                Column(
                    "match_weight",
                    "number",
                    "bits, exact over all that the two share; a weak pair has fewer than link two",
                ),
                Column(
                    "kinds", "texts", "kinds in which they share an entity that makes pairs, in the order of their bits"
                ),
                Column("sampling_probability", "number", "chance that the pair is sampled, above 0 and at most 1"),
            ),
            ("account_a", "account_b"),
        ),
        Table(
            "co_uses",
            "an entity that a pair of table pairs used close in time; only kinds with `within`",
            (
                *_PAIR,
                _KIND,
                _ENTITY,
                Column("seconds_apart", "number", "smallest span between two uses"),
            ),
            ("account_a", "account_b", "kind", "entity"),
        ),
        Table(
            "evidence",
            "an entity that two or more accounts of a cluster share",
            (
                _CLUSTER,
                _KIND,
                _ENTITY,
                Column("n_inside", "integer", "accounts of the cluster that use it"),
                Column("n_outside", "integer", "other accounts that use it"),
                Column("coverage", "number", "0 to 1: n_inside over the accounts of the cluster"),
                Column("lift", "number", "coverage over the share of the population that uses it"),
                Column(
                    "enrichment",
                    "number",
                    "of an entity that does not link, too common or by its tag: chance that so many of the cluster's "
                    "accounts use it (hypergeometric, adjusted after Benjamini and Hochberg); empty where it links",
                    nullable=True,
                ),
                _TAG,
            ),
            ("cluster_id", "kind", "entity"),
        ),
        Table(
            "activity",
            "an hour of the week of an account in a cluster, or of the population",
            (
                Column("account_id", "text", "the account; empty = the whole population", nullable=True),
                Column("hour_of_week", "integer", "0 to 167; 0 = Monday 00:00 UTC"),
                _EVENTS,
            ),
            ("account_id", "hour_of_week"),
        ),
        Table(
            "usage",
            "a day, model and capability of a cluster, or of the population",
            (
                _CLUSTER_OR_ALL,
                Column("day", "day", "UTC day"),
                Column("model", "text", "model; empty if the events have none", nullable=True),
                Column("capability", "text", "capability; empty if the events have none", nullable=True),
                _EVENTS,
                Column("n_accounts", "integer", "accounts with such an event; empty for the population", nullable=True),
                _INPUT,
                _OUTPUT,
            ),
            ("cluster_id", "day", "model", "capability"),
        ),
        Table(
            "lineage",
            "an event in a cluster's life, since the parent snapshot",
            (
                _CLUSTER,
                Column(
                    "event", "text", "birth, growth, contraction, continuation, merge, split, death or resurrection"
                ),
                Column(
                    "previous_ids",
                    "texts",
                    "clusters that it comes from: of the parent snapshot, or remembered ones that have ended",
                ),
                Column("n_kept", "integer", "its accounts that were in one of them"),
                Column("n_gained", "integer", "its accounts that were in none of them"),
                Column("n_lost", "integer", "accounts of theirs that are not in it"),
                _REASON,
            ),
            ("cluster_id", "event"),
        ),
        Table(
            "history",
            "a turn in the life of a cluster that is there, is remembered, or is an ancestor of such a one",
            (
                _CLUSTER,
                Column("day", "day", "as-of of the snapshot that first told of it"),
                Column("event", "text", "birth, merge, split, death or resurrection"),
                Column("previous_ids", "texts", "clusters that it comes from"),
                Column("n_accounts", "integer", "accounts in it then; of a death: before"),
                _REASON,
            ),
            ("cluster_id", "day", "event"),
        ),
        Table(
            "former_accounts",
            "an account of a cluster that has ended, kept so that the cluster is known again",
            (
                _CLUSTER,
                _ACCOUNT,
                Column("tier", "text", "its last tier in it"),
                Column("last_day", "day", "as-of of the last snapshot that held the cluster"),
                Column("state", "text", "dead; joined: another cluster took it in; held: bad data hides whether it is"),
            ),
            ("cluster_id", "account_id"),
        ),
        Table(
            "former_entities",
            "an entity that a cluster that has ended had to itself, kept so that the cluster is known again",
            (
                _CLUSTER,
                _KIND,
                _ENTITY,
                Column("n_accounts", "integer", "accounts that used it when the cluster was last there"),
            ),
            ("cluster_id", "kind", "entity"),
        ),
        Table(
            "exclusions",
            "an entity that does not link, and what that costs (the exclusion ledger)",
            (
                _KIND,
                _ENTITY,
                Column("reason", "text", "too_common, or tag: its tag has weight 0"),
                _TAG,
                Column("n_accounts", "integer", "accounts that use it"),
                Column("n_links_dropped", "integer", "links that make no pairs because of it"),
                Column(
                    "n_pairs_dropped",
                    "integer",
                    "pairs it would have sampled: with d accounts and m `partners`, min(m d, d (d - 1) / 2)",
                ),
                Column("n_accounts_unpaired", "integer", "its accounts that no other entity pairs with anybody"),
            ),
            ("kind", "entity"),
        ),
        Table(
            "layout",
            "a drawn position",
            (
                Column("figure", "text", "the figure, such as overview"),
                Column("name", "text", "what stands there: a cluster, an account or an entity"),
                Column("x", "number", "horizontal position, in the figure's units"),
                Column("y", "number", "vertical position, in the figure's units"),
                Column("size", "number", "radius, in the figure's units"),
            ),
            ("figure", "name"),
        ),
        Table(
            "templates",
            "a prompt template that two or more accounts used",
            (
                Column("template_id", "text", "the template, as in the entities of the kind prompt_template"),
                Column(
                    "frame",
                    "text",
                    "its fixed words, slots shown as ⟨…⟩, or a keyed digest of them; empty where it was not mined",
                    nullable=True,
                ),
                Column("n_prompts", "integer", "prompts made from it"),
                Column("n_accounts", "integer", "accounts that used it"),
                Column("first_seen", "time", "time of the first of these prompts", nullable=True),
                Column("last_seen", "time", "time of the last one", nullable=True),
                Column("known_as", "text", "its name in the list of public templates; empty if none", nullable=True),
                Column(
                    "words",
                    "hashes",
                    "keyed hashes of its words, 0 for a slot, by which it is known again; empty where it was not mined",
                    nullable=True,
                ),
                Column("word_bits", "numbers", "bits of each of these words", nullable=True),
                Column("least_bits", "number", "bits of them that a prompt made from it holds", nullable=True),
            ),
            ("template_id",),
        ),
        Table(
            "rejected",
            "a reason why rows, or values in them, were set aside",
            (
                Column("source", "text", "file (its name) or frame"),
                Column("reason", "text", "why, and what would help"),
                Column("n_rows", "integer", "rows it concerns"),
                Column("example", "text", "one such value or line, shortened; payment instruments are never shown"),
            ),
            ("source", "reason"),
        ),
    )
}
