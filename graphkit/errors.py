"""The errors that graphkit raises on purpose.

GraphkitError
├── ConfigError        a setting is wrong
├── InputError         the events or accounts given cannot be used
├── BudgetError        the work would outgrow a limit that bounds it
├── UsageError         a call asks for something that does not exist
└── StoreError         a store or a snapshot in it cannot be used
    └── StoreLockedError    another process is writing to the store
"""


class GraphkitError(Exception):
    """Base of all errors that graphkit raises on purpose; its text says what to do."""


class ConfigError(GraphkitError):
    """A setting is unknown, of the wrong type or out of range."""


class InputError(GraphkitError):
    """Events or accounts are missing, unreadable or mostly unusable."""


class BudgetError(GraphkitError):
    """A step would make more rows than its budget allows."""


class UsageError(GraphkitError, ValueError):
    """An argument names something that does not exist, such as an unknown cluster."""


class StoreError(GraphkitError):
    """A store or snapshot is missing, damaged, of another format or of another key."""


class StoreLockedError(StoreError):
    """Another process is writing to the store."""
