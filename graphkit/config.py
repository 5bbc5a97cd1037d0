"""Settings: a frozen value, read from ``graphkit.toml``, checked once and carried in every snapshot."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from graphkit.errors import ConfigError

Method = Literal["pairs", "bipartite", "multiplex"]
Normalization = Literal["text", "ip"]

_MICROSECONDS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)")
_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_TAG_NAME = r"^[a-z][a-z0-9-]{0,39}$"
_STANDARD_KINDS: dict[str, dict[str, Any]] = {
    "ip": {"normalize": "ip"},
    "user_agent": {"prior": -4.0, "mask": False},
    "payment_instrument": {"prior": 8.0, "digest": True},
    "prompt_template": {"mask": False},
}
_STANDARD_TAGS: dict[str, dict[str, Any]] = {
    "hosting": {"fields": ["tag=hosting", "is_hosting_provider", "hosting"]},
    "vpn": {"weight": 0.25, "fields": ["tag=vpn", "is_anonymous_vpn", "vpn"]},
    "carrier-nat": {"weight": 0.5, "fields": ["tag=carrier-nat", "connection_type=Cellular"]},
    "corporate": {"weight": 0.5, "fields": ["tag=corporate", "connection_type=Corporate"]},
    "allowed": {"weight": 0.0, "leave_out": True, "fields": ["tag=allowed"]},
}


def _check_span(value: object) -> object:
    if value is None or (isinstance(value, str) and _SPAN.fullmatch(value)):
        return value
    raise ValueError("not a span of time")


def _check_look_back(value: object) -> object:
    if value == "all" or (isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,4}d", value)):
        return value
    raise ValueError("not a look-back")


def _check_number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError("not a number")


Number = Annotated[float, BeforeValidator(_check_number), Field(allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(_Frozen):
    """What the user's columns are called: ours = "yours"."""

    account_id: str = Field("account_id", min_length=1, description="the events' and accounts' column of account ids")
    timestamp: str = Field("timestamp", min_length=1, description="the events' column of times")
    ip: str = Field("ip", min_length=1, description="the column of client addresses")
    user_agent: str = Field("user_agent", min_length=1, description="the column of user agents")
    payment_instrument: str = Field("payment_instrument", min_length=1, description="the column of payment instruments")
    prompt_template: str = Field("prompt_template", min_length=1, description="the column of prompt template ids")
    prompt: str = Field(
        "prompt", min_length=1, description="the column of raw prompts, mined for templates and never stored"
    )
    model: str = Field("model", min_length=1, description="the column of model names")
    capability: str = Field("capability", min_length=1, description="the column of capabilities asked for")
    endpoint: str = Field("endpoint", min_length=1, description="the column of API endpoints")
    status: str = Field("status", min_length=1, description="the column of response statuses")
    input_tokens: str = Field("input_tokens", min_length=1, description="the column of input token counts")
    output_tokens: str = Field("output_tokens", min_length=1, description="the column of output token counts")
    created_at: str = Field("created_at", min_length=1, description="the accounts' column of creation times")
    organization: str = Field("organization", min_length=1, description="the column of organizations' ids, not stored")


class Kind(_Frozen):
    """A kind of link: which column holds its entities and how they are treated."""

    column: str = Field("", description="the column that holds it; by default the kind's own name")
    prior: Number = Field(
        0.0, ge=-64, le=64, description="bits added when two accounts share it: a number from -64 to 64"
    )
    within: Annotated[str | None, BeforeValidator(_check_span)] = Field(
        None,
        description='link only uses at most this far apart: a span such as "500ms", "60s", "5m", "2h", "1d"',
    )
    within_budget: Whole = Field(
        20_000_000, ge=1, description="pairs of uses one entity may make under `within`: a whole number from 1"
    )
    digest: Flag = Field(False, description="keep keyed digests, never the values: true or false")
    normalize: Normalization = Field("text", description='how values are made equal: "text" (trimmed) or "ip"')
    mask: Flag = Field(True, description="mask values in reports: true or false")

    @property
    def within_us(self) -> int | None:
        """``within`` in microseconds."""
        if self.within is None:
            return None
        number, unit = _SPAN.fullmatch(self.within).groups()  # type: ignore[union-attr]  # checked on entry
        return round(float(number) * _MICROSECONDS[unit])


class Tag(_Frozen):
    """What a tag of the list of known infrastructure does."""

    weight: Number = Field(
        1.0,
        ge=0,
        le=1,
        description="factor on the bits of an address with the tag: from 0 (it makes no pairs) to 1 (it is only named)",
    )
    leave_out: Flag = Field(False, description="leave out the accounts of organizations with the tag: true or false")
    fields: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description='fields of an MMDB record that give the tag if one of them is true, such as "traits.is_vpn", '
        'or is as said, such as "connection_type=Cellular": a list of texts',
    )


def _weight(default: float, what: str) -> Any:
    return Field(default, ge=0, le=64, description=f"weight of {what}, in log odds: a number from 0 (off) to 64")


class Score(_Frozen):
    """How a cluster's score is made of its parts; docs/scores.md tells of each."""

    intercept: Number = Field(
        -2.0, ge=-64, le=64, description="log odds where no part tells anything: a number from -64 to 64"
    )
    linking_strength: Number = _weight(0.5, "the bits that link")
    accounts: Number = _weight(1.0, "the number of accounts")
    kinds_that_corroborate: Number = _weight(1.0, "the share of members that two kinds link")
    exclusive_infrastructure: Number = _weight(1.0, "having what it shares to itself")
    common_to_all: Number = _weight(3.0, "sharing many things crosswise and not one by all")
    creation_burst: Number = _weight(0.5, "accounts made within a week")
    hour_flatness: Number = _weight(3.0, "events around the clock")
    synchrony: Number = _weight(1.0, "accounts busy in the same hours")
    workload_spread: Number = _weight(4.0, "accounts with even numbers of events")
    private_share: Number = _weight(0.5, "having no address of one's own")
    capability_concentration: Number = _weight(1.0, "asking for other things than the population")
    template_share: Number = _weight(0.5, "events from shared prompts")
    volume: Number = _weight(3.0, "many events an account")
    anomaly: Number = _weight(0.5, "being unlike other clusters, by an Isolation Forest")

    @property
    def weights(self) -> dict[str, float]:
        """Weight by part."""
        return self.model_dump(exclude={"intercept"})


class Lineage(_Frozen):
    """How clusters are followed through time; docs/lineage.md tells of it."""

    remember_days: Whole = Field(
        90, ge=0, le=36_500, description="days that a cluster that has ended is known again: a whole number from 0"
    )
    least_change: Number = Field(
        0.05, ge=0, le=1, description="share of its accounts by which a cluster grows or contracts: 0 to 1"
    )
    fewer_events: Number = Field(
        0.8, gt=0, le=1, description="share of the usual events of a day whose lack is bad data: above 0, at most 1"
    )
    renew: Number = Field(
        0.25, ge=0, le=1, description="share of accounts that came after a review from which it is outgrown: 0 to 1"
    )


class Alerts(_Frozen):
    """What ``graphkit refresh --alerts`` tells; docs/lineage.md tells of it."""

    score: Number = Field(0.7, ge=0, le=1, description="score from which a new cluster is told: 0 to 1")
    growth: Number = Field(
        0.5, gt=0, le=1000, description="share by which a cluster told grows before it is told again: above 0"
    )
    least_accounts: Whole = Field(
        5, ge=2, le=1_000_000, description="accounts in the smallest cluster that is told: from 2"
    )


_SECTIONS: dict[str, type[BaseModel]] = {"columns": Columns, "score": Score, "lineage": Lineage, "alerts": Alerts}


class Config(_Frozen):
    """All settings that change what a snapshot says; every one has a default."""

    columns: Columns = Field(default_factory=Columns, description='a table of ours = "yours"')
    kinds: dict[Annotated[str, Field(pattern=_NAME)], Kind] = Field(
        default_factory=lambda: {name: Kind(column=name, **rest) for name, rest in _STANDARD_KINDS.items()},
        min_length=1,
        max_length=16,
        description="1 to 16 tables [kinds.NAME]; NAME in lower-case letters, digits and _, at most 40",
    )
    infrastructure: dict[Annotated[str, Field(pattern=_TAG_NAME)], Tag] = Field(
        default_factory=lambda: {name: Tag.model_validate(tag) for name, tag in _STANDARD_TAGS.items()},
        max_length=64,
        description="up to 64 tables [infrastructure.TAG]; TAG in lower-case letters, digits and -, at most 40",
    )
    score: Score = Field(default_factory=Score, description="a table of intercept and weights by part")
    lineage: Lineage = Field(default_factory=Lineage, description="a table of how clusters are followed through time")
    alerts: Alerts = Field(default_factory=Alerts, description="a table of what a refresh tells a person")
    look_back: Annotated[str, BeforeValidator(_check_look_back)] = Field(
        "all", description='"all", or whole UTC days such as "45d" that end with the day of as-of'
    )
    seed: Whole = Field(0, ge=0, lt=2**32, description="a whole number from 0 to 4294967295")
    method: Method = Field("pairs", description='"pairs", "bipartite" or "multiplex"')
    margin: Number = Field(
        0.0, ge=-64, le=64, description="bits above log2(N) that link a pair: a number from -64 to 64"
    )
    reach: Number = Field(
        8.0,
        ge=0,
        le=64,
        description="bits short of the link threshold that two accounts' like behavior may make up: from 0 (links "
        "alone decide) to 64",
    )
    threshold_bits: Number | None = Field(
        None, ge=0, le=256, description="bits that link a pair, in place of log2(N) + margin: a number from 0 to 256"
    )
    hub_bits: Number = Field(
        4.0, ge=0, le=64, description="entities of lower rarity neither pair nor weigh: bits from 0 (no limit) to 64"
    )
    calibrate: Flag = Field(
        False,
        description="weigh by the priors that corroboration teaches where they contradict the given ones: "
        "true or false",
    )
    partners: Whole = Field(8, ge=1, le=256, description="partners an account meets at each entity: 1 to 256")
    resolution: Literal["auto"] | Annotated[Number, Field(gt=0, le=1000)] = Field(
        "auto", description='"auto", or a number above 0 and at most 1000'
    )
    stability: bool = Field(
        True, description="find the communities again under perturbations, for tiers and stability: true or false"
    )
    chance_runs: Whole = Field(
        2, ge=0, le=100, description="times that links are dealt at random to see what chance makes: 0 (off) to 100"
    )
    min_cluster_size: Whole = Field(3, ge=2, le=1_000_000, description="accounts in the smallest cluster: from 2")
    max_rejected_share: Number = Field(
        0.05, ge=0, le=1, description="share of unusable rows, or values of a kind, that stops the run: 0 to 1"
    )
    ipv4_prefix: Whole = Field(32, ge=8, le=32, description="bits of an IPv4 address that count: 8 to 32")
    ipv6_prefix: Whole = Field(64, ge=16, le=128, description="bits of an IPv6 address that count: 16 to 128")

    @model_validator(mode="before")
    @classmethod
    def _name_kinds(cls, data: Any) -> Any:
        """Give a kind its own name as column, and a standard kind its standard settings."""
        kinds = data.get("kinds") if isinstance(data, dict) else None
        if not isinstance(kinds, dict):
            return data
        named = {
            name: {"column": name} | _STANDARD_KINDS.get(name, {}) | kind if isinstance(kind, dict) else kind
            for name, kind in kinds.items()
        }
        return data | {"kinds": named}

    @model_validator(mode="before")
    @classmethod
    def _keep_standard_tags(cls, data: Any) -> Any:
        """Keep the standard tags beside those named, and the standard settings of a tag that changes some."""
        tags = data.get("infrastructure") if isinstance(data, dict) else None
        if not isinstance(tags, dict):
            return data
        named = {
            name: _STANDARD_TAGS.get(name, {}) | (tag.model_dump(exclude_unset=True) if isinstance(tag, Tag) else tag)
            for name, tag in (_STANDARD_TAGS | tags).items()
            if isinstance(tag, dict | Tag)
        }
        return data | {"infrastructure": tags | named}

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        """Refuse two kinds that read the same column: each share would count twice."""
        used: dict[str, str] = {}
        for name in self.kinds:
            column = self.kind_column(name)
            if column in used:
                raise ValueError(f"kinds {used[column]!r} and {name!r} both read column {column!r}")
            used[column] = name
        return self

    @property
    def look_back_days(self) -> int | None:
        """Days in the look-back; None for all."""
        return None if self.look_back == "all" else int(self.look_back[:-1])

    def with_priors(self, priors: Mapping[str, float]) -> Self:
        """Settings with other priors for the kinds that are named."""
        kinds = {
            name: kind.model_copy(update={"prior": priors.get(name, kind.prior)}) for name, kind in self.kinds.items()
        }
        return self.model_copy(update={"kinds": kinds})

    def kind_column(self, kind: str) -> str:
        """The user's column that holds ``kind``, after the mapping in ``columns``."""
        column = self.kinds[kind].column or kind
        return str(getattr(self.columns, column, column)) if column in Columns.model_fields else column


def load_config(path: str | Path) -> Config:
    """Read a TOML file of settings.

    Raises
    ------
    ConfigError
        Naming the file, each key at fault, what was given and what is allowed.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        faults = dict.fromkeys(f"{path}: {_explain(fault)}" for fault in error.errors())
        raise ConfigError("\n".join(faults)) from error


def _explain(fault: Any) -> str:
    """One fault of a config file in one line: the key, what was given, what is allowed."""
    location = [str(part) for part in fault["loc"]]
    if not location:
        return str(fault["msg"]).removeprefix("Value error, ")
    model: type[BaseModel] = Config
    match location:
        case ["columns" | "score" | "lineage" | "alerts" as section, _, *_]:
            model, depth = _SECTIONS[section], 2
        case ["kinds" | "infrastructure", _] | ["kinds" | "infrastructure", _, "[key]", *_]:
            depth = 2
        case ["kinds", _, _, *_]:
            model, depth = Kind, 3
        case ["infrastructure", _, _, *_]:
            model, depth = Tag, 3
        case _:
            depth = 1
    key, name = ".".join(location[:depth]), location[depth - 1]
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; allowed: {', '.join(sorted(model.model_fields))}"
    field = model.model_fields[name if model is not Config else location[0]]
    return f"{key}: got {fault['input']!r}; allowed: {field.description}"
