//! Codes of the gateway's own use cases, results and folder.

use super::Row;

pub(super) const CODES: &[Row] = &[
    (
        "bug",
        "this gateway failed at it, and goes on",
        "please report it, with what the gateway says where it was started",
    ),
    (
        "changed-meanwhile",
        "something was decided since the caller looked",
        "another look, and the decision again on what it shows",
    ),
    ("collaboration-name", "a new collaboration has a name of whoever proposes it", "MEMBER-NAME"),
    (
        "collaboration-taken",
        "a collaboration of this name is there, and this is not its member's to replace",
        "another name, or a proposal of one of its members",
    ),
    (
        "connections-missing",
        "this gateway operates nobody there, or not the caller's member",
        "its section in connections.toml of the gateway",
    ),
    (
        "delivery-conflict",
        "something else lies where a result was to go",
        "a destination that nobody else writes to",
    ),
    ("delivery-unrecorded", "no delivery of this run is on record", "a run that succeeded"),
    (
        "destination-full",
        "the destination has no room for the result",
        "room there; then a new run",
    ),
    (
        "destination-is-home",
        "a destination lies in the gateway's own folder",
        "a destination of its own",
    ),
    (
        "destination-read-only",
        "the destination can't be written",
        "a destination that the gateway may write to",
    ),
    (
        "destination-settings",
        "the destination can't be opened as it is set",
        "the credentials and the Region that it needs",
    ),
    (
        "digest-malformed",
        "a digest can't be read",
        "the digest of what was looked at: sha256: and 64 hex digits",
    ),
    (
        "file-differs",
        "a delivered file is not what was recorded",
        "the file as it was delivered, or a new run",
    ),
    ("home-exposed", "others can read the gateway's keys", "chmod 700 on its folder of keys"),
    ("home-missing", "there is no gateway in this folder", "a folder that has one"),
    ("home-path", "the gateway's folder has a path that can't be used", "a path of plain text"),
    (
        "idempotency-key-reused",
        "something else was asked for under this key",
        "a new key for each change; the same for the same again",
    ),
    ("io", "a file of the gateway can't be read or written", "the gateway's folder as it was"),
    ("key", "a key of the gateway can't be used", "the key as it was"),
    ("key-file-exists", "a key file is there already", "the key that is there"),
    (
        "key-file-exposed",
        "others can read a key file",
        "chmod 600, and a new collaboration where others may have read it",
    ),
    ("key-file-unusable", "a key file can't be read or written", "the key file as it was"),
    ("key-malformed", "a key can't be read", "ed25519: and 64 hex digits"),
    ("key-missing", "this gateway holds no key of the member", "airlock keygen --member MEMBER"),
    ("key-shape", "this is no public key", "ed25519: and 64 hex digits"),
    ("landing-unreadable", "a platform's output can't be read", "a new run"),
    ("location", "a path has no URL", "a whole path"),
    (
        "manifest-missing",
        "a result has no manifest",
        "the result as it was delivered, or a new run",
    ),
    (
        "manifest-signature-wrong",
        "a manifest is not signed by this gateway",
        "the manifest as it was delivered",
    ),
    ("manifest-unreadable", "a manifest can't be read", "the manifest as it was delivered"),
    (
        "no-agreement",
        "this collaboration has no agreement yet, or none that every member joined",
        "a proposal, and every member's joining",
    ),
    (
        "no-worker",
        "no worker runs in this gateway that could look",
        "airlock serve without --no-sync",
    ),
    (
        "not-a-member",
        "the member is none of this agreement, or of the one that it would replace",
        "a member of it proposes; or an agreement under a name of its own",
    ),
    (
        "not-held",
        "a room can't hold a term, and nobody closes the gap",
        "another term, or an agreement without the room",
    ),
    (
        "not-permitted",
        "the caller's roles do not permit it",
        "a role that does; the answer names them",
    ),
    (
        "nothing-to-look-at",
        "the native room holds what the log says, and nobody looks at it",
        "another room",
    ),
    (
        "nothing-to-waive",
        "the room holds the term as agreed, or not at all",
        "a term that it holds more loosely",
    ),
    (
        "place-not-registered",
        "a place is none that was written down for its member",
        "a whole URL in a place that the operator wrote down",
    ),
    (
        "platforms-asked-already",
        "this member is asking platforms already",
        "the same again, once that has its answer",
    ),
    ("platforms-busy", "others are asking platforms now", "the same again, later"),
    (
        "proof-range",
        "a proof is of two lengths of this log, the shorter one first",
        "1 <= old <= new <= the log's length",
    ),
    ("random", "no randomness to be had", "the same again"),
    ("randomness-unavailable", "the system gave no randomness", "the same again"),
    (
        "reserve-share-spent",
        "this collaboration has all the withdrawals waiting here that one may have",
        "the same again, once the log can be written",
    ),
    ("room-not-agreed", "the agreement is not held in this room", "a room of the agreement"),
    (
        "room-refused",
        "a room can't hold the agreement; every reason is listed",
        "other terms, or an agreement without the room",
    ),
    ("room-runs-nothing", "the room runs nothing", "another room"),
    (
        "room-unreached",
        "this gateway changed the room once and has no connection to it now",
        "its section in connections.toml",
    ),
    (
        "room-unseen",
        "the room could not be looked at now, or not whole",
        "a test of the connections; then the same again",
    ),
    (
        "room-unsettled",
        "the room did not settle on what was agreed",
        "a plan, which says what it waits for",
    ),
    (
        "rows-exceeded",
        "the result has more rows than are allowed",
        "a higher limit, or a template with fewer",
    ),
    ("rows-mismatch", "the result has not as many rows as the platform said", "a new run"),
    (
        "schema-mismatch",
        "the data has other columns or types than were agreed",
        "the data as agreed, or an agreement as the data is",
    ),
    ("storage-unavailable", "the storage can't be reached now", "the same again, later"),
    (
        "template-changed",
        "the template has another version than was looked at",
        "another look, and the decision on what it shows",
    ),
    (
        "template-refused",
        "the guard refuses a template; every reason is listed",
        "what the reasons ask for",
    ),
    (
        "template-unsaid",
        "the template can't be said in the room's dialect",
        "another text, or a run in another room",
    ),
    (
        "triggers-full",
        "more rooms wait to be looked at than are kept in mind",
        "the same again, later",
    ),
    (
        "wider",
        "the room would hold a term more loosely than agreed",
        "a waiver of every owner that it touches",
    ),
    (
        "withdrawal-not-recorded",
        "a withdrawal is in force here and not on record yet, so nothing is given",
        "the same again, once it is on record",
    ),
    ("worker-busy", "another process of this folder keeps the rooms", "nothing: that one does it"),
];
