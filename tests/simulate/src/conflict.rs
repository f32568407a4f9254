//! Whether a withdrawal and a platform's thing have anything to do with each other: by what the thing is, and by what its template
//! reads. Stricter than the product, which sees only what an adapter names.

use crate::pool::{Pool, member};
use adapter_spi::ResourceKind;
use airlock::log::Revocable;
use mappings::model::{DatasetName, Digest, MemberId, TemplateName};

/// Whether giving this would give some of what was withdrawn.
pub(crate) fn gives(pool: &Pool, what: &Revocable, kind: &ResourceKind, digest: Digest) -> bool {
    match kind {
        ResourceKind::Native(native) => {
            gives_dataset(pool, what, &crate::pool::dataset(&native.name), None)
        }
        ResourceKind::Dataset(name) => gives_dataset(pool, what, name, Some(digest)),
        ResourceKind::Member(of) => match what {
            Revocable::Room => true,
            Revocable::Member { member } => member == of,
            _ => false,
        },
        ResourceKind::Template(name) => gives_template(pool, what, name, digest),
        ResourceKind::Approval(name, of) => {
            let own = matches!(what, Revocable::Approval { template, digest: version, of: whose }
                if template == name && *version == digest && whose == of);
            own || gives_template(pool, what, name, digest)
        }
    }
}

fn gives_dataset(pool: &Pool, what: &Revocable, name: &DatasetName, value: Option<Digest>) -> bool {
    match what {
        Revocable::Room => true,
        Revocable::Dataset { dataset } => dataset == name,
        Revocable::Member { member } => pool.owner(name) == Some(member),
        Revocable::Column { dataset, column } => {
            let shows = |digest: Digest| {
                pool.terms(&digest).is_none_or(|terms| !terms.hidden.contains(column))
            };
            dataset == name && value.is_some_and(shows)
        }
        Revocable::Template { .. } | Revocable::Approval { .. } => false,
    }
}

fn gives_template(pool: &Pool, what: &Revocable, name: &TemplateName, digest: Digest) -> bool {
    let Some(reads) = pool.reads(name, digest) else { return false };
    match what {
        Revocable::Room => true,
        Revocable::Template { template, digest: version } => template == name && *version == digest,
        Revocable::Dataset { dataset } => reads.datasets.contains_key(dataset),
        Revocable::Column { dataset, column } => {
            reads.datasets.get(dataset).is_some_and(|columns| columns.contains(column))
        }
        Revocable::Member { member: left } => reads.owners.contains(left) || *left == runner(),
        Revocable::Approval { .. } => false,
    }
}

fn runner() -> MemberId {
    member("brand")
}

/// Whether a thing that is held is what was withdrawn, or a part of it.
pub(crate) fn holds(pool: &Pool, what: &Revocable, kind: &ResourceKind, digest: Digest) -> bool {
    match (what, kind) {
        (_, ResourceKind::Native(_)) => false,
        (Revocable::Room, _) => true,
        (
            Revocable::Dataset { .. } | Revocable::Column { .. } | Revocable::Member { .. },
            ResourceKind::Dataset(name),
        ) => gives_dataset(pool, what, name, Some(digest)),
        (
            Revocable::Member { member },
            ResourceKind::Member(of) | ResourceKind::Approval(_, of),
        ) => member == of,
        (Revocable::Template { template, digest: version }, ResourceKind::Template(name)) => {
            template == name && *version == digest
        }
        (
            Revocable::Approval { template, digest: version, of },
            ResourceKind::Approval(name, whose),
        ) => template == name && *version == digest && of == whose,
        (_, _) => false,
    }
}
