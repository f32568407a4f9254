"""Every family of statements, so that importing this registers all handlers. Must not know any of them."""

from ..dcr import call
from ..query import run
from . import (
    alter,
    databases,
    describe,
    grants,
    policies,
    roles,
    rows,
    shares,
    show,
    show_grants,
    stages,
    tables,
    tags,
    unload,
    views,
)

FAMILIES = (alter, call, databases, describe, grants, policies, roles, rows, run, shares, show, show_grants, stages, tables, tags, unload, views)
