//! Codes of platforms and engines, as plans, tests of connections and the ends of runs name them.

use super::Row;

pub(super) const CODES: &[Row] = &[
    (
        "access-budget",
        "a collaboration has a privacy budget that was not agreed",
        "the collaboration made anew as agreed",
    ),
    (
        "access-denied",
        "the platform refuses the permission that is named",
        "leave for that permission",
    ),
    ("already-exists", "something of this name is there already", "another look"),
    (
        "answer-unknown",
        "the platform answered with a code that this version does not know",
        "a newer version, or the same again",
    ),
    ("answer-unreadable", "the platform's answer can't be read", "the same again"),
    ("configuration-refused", "the platform refuses how it is set", "a setting that it takes"),
    (
        "credentials-missing",
        "there are no credentials, or none that work",
        "the profile or role in connections.toml",
    ),
    (
        "credentials-refused",
        "the platform refuses the credentials",
        "credentials that are good now",
    ),
    (
        "data-role-missing",
        "a member's connection names no role that reads its data",
        "data_role in connections.toml",
    ),
    (
        "external-id-missing",
        "the external id of a connection can't be read",
        "the gateway's folder as it was",
    ),
    (
        "iam-synchronization-delay",
        "a role that was just made is not known everywhere yet",
        "the same again, in a few seconds",
    ),
    ("identity-missing", "a member has no pinned account there", "identity in the agreement"),
    ("invalid-state", "something there is in a state that allows no change", "another look"),
    (
        "landing-missing",
        "a member's connection names no place for results",
        "landing in connections.toml",
    ),
    (
        "landing-unusable",
        "the place for results can't be used",
        "a bucket and prefix that the role reads",
    ),
    (
        "name-taken",
        "something of somebody else's has the name that is needed there",
        "that thing under another name",
    ),
    ("no-answer-in-time", "the platform did not answer in time", "the same again"),
    ("not-operated", "this gateway does not operate the member", "its own gateway"),
    (
        "observation-unreadable",
        "what was seen is of another version of this gateway",
        "another look",
    ),
    ("platform-failed", "the platform failed at it", "the same again, later"),
    ("platform-unreachable", "the platform can't be reached", "the network; then the same again"),
    ("query-refused", "the platform refuses the query", "a template that it can run"),
    ("quota-exceeded", "a quota of the account is spent", "a higher quota, or less there"),
    ("region-missing", "a room has no Region", "region in the agreement"),
    ("request-not-built", "a request could not be built", "please report it"),
    (
        "request-refused",
        "the platform refuses the request as invalid",
        "please report it, with the plan",
    ),
    (
        "sent-too-late",
        "a call that gives was not sent in time, so it was not sent",
        "the same again",
    ),
    ("stale-version", "something changed there since it was looked at", "another look"),
    ("step-unreadable", "a step is of another version of this gateway", "another plan"),
    ("subresources-exist", "something there still holds other things", "another look"),
    ("throttled", "the platform asks for time", "the same again, later"),
    (
        "wrong-account",
        "the credentials are another account's than the agreement pins",
        "credentials of the pinned account",
    ),
    ("look-stale", "the log moved on while the room was looked at", "another look"),
    ("interrupted", "the gateway that carried out the run is gone", "a new run"),
    (
        "memory-limit",
        "the run needs more memory than it may have",
        "a higher limit, or a narrower template",
    ),
    (
        "spill-limit",
        "the run needs more disk than it may have",
        "a higher limit, or a narrower template",
    ),
    (
        "row-limit",
        "the run has more rows than it may have",
        "a higher limit, or a narrower template",
    ),
    ("time-limit", "the run took longer than it may", "a higher limit, or a narrower template"),
    ("value-too-large", "a text value is longer than 16 KiB", "data with shorter values"),
    ("check-failed", "the checker did not accept the engine's plan", "please report it"),
    ("disk-full", "the gateway's disk is full", "room there; then a new run"),
    ("dataset-changed", "a dataset changed while it was read", "a new run"),
    ("dataset-location", "a dataset's place can't be opened", "a place that the gateway reads"),
    ("dataset-unreadable", "a dataset can't be read as what it is said to be", "Parquet as agreed"),
    (
        "engine-failed",
        "the engine failed at it",
        "a new run; please report it where it fails again",
    ),
    (
        "not-granted",
        "the room has no leave for this",
        "the approvals and the joining that it needs",
    ),
    ("storage-denied", "the storage refuses the gateway", "rights to read what was agreed"),
];
