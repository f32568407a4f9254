"""Imports every resource, so that its handlers are registered. Must not hold anything else."""

from . import (  # noqa: F401
    analysis_rules,
    analysis_templates,
    associations,
    budgets,
    change_requests,
    collaboration_rules,
    collaborations,
    configured_tables,
    members,
    memberships,
    protected_queries,
    schemas,
    tags,
)
