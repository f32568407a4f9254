//! What runs can use and what owners keep there, judged by what partners can reach: a dataset as long as any share of any agreement
//! that ever was in force gives it to anybody, a template as long as its runner's schema lists it and all that it reads is open.
//! What is not as it was agreed, word for word and under its policy, is held in another version, and so is all that a list may name that
//! this version can't read. Pure.

use super::mark::Comment;
use super::seen::{Account, Past, Seen, View, inbound};
use super::wanted::{Said, offer, texts};
use crate::entry::version;
use crate::names;
use crate::reach::account_of;
use adapter_spi::{Desired, Resource, ResourceKind, Scope};
use mappings::model::{Agreement, DatasetName, Digest, MemberId, PlatformId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an observation says in words of the agreement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) resources: BTreeSet<Resource>,
    pub(crate) offered: BTreeSet<DatasetName>,
}

/// Looks at what was seen by the names of all agreements of a scope.
struct Sight<'a> {
    scope: &'a Scope,
    seen: &'a Seen,
    /// All of them, the newest first.
    agreements: Vec<&'a Arc<Agreement>>,
    texts: Vec<BTreeMap<TemplateName, Said>>,
}

/// What is held of a scope.
pub(crate) fn holding(scope: &Scope, seen: &Seen) -> Holding {
    let agreements: Vec<_> = std::iter::once(&scope.agreement).chain(&scope.past).collect();
    let texts = agreements.iter().map(|agreement| texts(agreement)).collect();
    let sight = Sight { scope, seen, agreements, texts };
    let mut holding = Holding::default();
    for (dataset, owner, runner) in sight.places() {
        if owner == runner {
            sight.own(&dataset, &owner, &mut holding);
        } else {
            sight.shared((&dataset, &owner, &runner), &mut holding);
        }
    }
    sight.templates(&mut holding);
    sight.past(&mut holding);
    holding
}

impl Sight<'_> {
    /// Every dataset of every agreement with everybody who could run.
    fn places(&self) -> BTreeSet<(DatasetName, MemberId, MemberId)> {
        let all = self.agreements.iter().flat_map(|agreement| {
            agreement.datasets.iter().flat_map(|(name, dataset)| {
                let owner = &dataset.owner;
                let members = agreement.members.keys();
                members.map(move |runner| (name.clone(), owner.clone(), runner.clone()))
            })
        });
        all.collect()
    }

    fn account(&self, member: &MemberId) -> Option<&Account> {
        self.seen.accounts.get(member)
    }

    /// Whether somebody who looks sees a share of a member that this gateway can't look at.
    fn is_offered_to(&self, owner: &MemberId, runner: &MemberId, share: &str) -> bool {
        let Some(account) = self.account(runner) else { return false };
        let mut owners = self.agreements.iter().filter_map(|agreement| pinned(agreement, owner));
        owners.any(|owner| account.inbound.contains_key(&inbound(&owner, share)))
    }

    /// Whether an account that an owner had before it moved, and that this gateway can't look at, still lets a runner in.
    fn is_left_over(&self, owner: &MemberId, runner: &MemberId, share: &str) -> bool {
        let Some(account) = self.account(runner) else { return false };
        let Some(now) = pinned(&self.scope.agreement, owner) else { return false };
        let is_seen = |had: &String| self.seen.past.iter().any(|one| one.seat.account == *had);
        let had = self.agreements.iter().filter_map(|agreement| pinned(agreement, owner));
        let mut unseen = had.filter(|had| *had != now && !is_seen(had));
        unseen.any(|had| account.inbound.contains_key(&inbound(&had, share)))
    }

    /// Whether a dataset of another's lies open for a runner.
    fn is_open(&self, dataset: &DatasetName, owner: &MemberId, runner: &MemberId) -> bool {
        let share = names::share(&self.scope.collaboration, dataset, runner);
        let Some(account) = self.account(owner) else {
            return self.is_offered_to(owner, runner, &share);
        };
        // What its owner's role does not see may be there: whom it lets in sees it.
        let Some(seen) = account.shares.get(&share) else {
            return self.is_offered_to(owner, runner, &share);
        };
        seen.is_given()
    }

    fn shared(
        &self,
        (dataset, owner, runner): (&DatasetName, &MemberId, &MemberId),
        holding: &mut Holding,
    ) {
        let collaboration = &self.scope.collaboration;
        let name = names::view(dataset, runner);
        let account = self.account(owner);
        let view = account.and_then(|one| one.offers.as_ref()?.views.get(&name));
        if self.is_open(dataset, owner, runner) {
            let digest = match (account, view) {
                (Some(account), Some(view)) => self.version(dataset, runner, account, view),
                // A share of somebody whom nobody here operates can't be looked into.
                (None, _) => self.agreed(dataset),
                (Some(_), None) => None,
            };
            holding.resources.insert(Resource {
                kind: ResourceKind::Dataset(dataset.clone()),
                digest: digest.unwrap_or_else(unknown),
            });
        }
        let share = names::share(collaboration, dataset, runner);
        if self.is_left_over(owner, runner, &share) {
            let kind = ResourceKind::Dataset(dataset.clone());
            holding.resources.insert(Resource { kind, digest: unknown() });
        }
        let is_kept = match account {
            Some(_) => view.is_some(),
            None => self.is_offered_to(owner, runner, &share),
        };
        if is_kept {
            holding.offered.insert(dataset.clone());
        }
    }

    /// A runner's own dataset: it is used by the templates that its schema lists, and by nobody else.
    fn own(&self, dataset: &DatasetName, owner: &MemberId, holding: &mut Holding) {
        let Some(account) = self.account(owner) else { return };
        let Some(runs) = &account.runs else { return };
        let Some(view) = runs.views.get(dataset.as_str()) else { return };
        holding.offered.insert(dataset.clone());
        let reading = match &runs.mark {
            Comment::Mark(mark) => mark.templates.iter().any(|(name, digest)| {
                self.reads(name, digest).is_none_or(|reads| reads.contains(dataset))
            }),
            // A list that can't be read may have anything in it.
            Comment::Unread => true,
            Comment::Other => false,
        };
        if reading {
            let digest = self.version(dataset, owner, account, view).unwrap_or_else(unknown);
            let kind = ResourceKind::Dataset(dataset.clone());
            holding.resources.insert(Resource { kind, digest });
        }
    }

    /// What a version of a template reads, if an agreement says so.
    fn reads(&self, name: &TemplateName, version: &Digest) -> Option<&BTreeSet<DatasetName>> {
        let known = self.agreements.iter().zip(&self.texts);
        let mut known = known.filter(|(agreement, _)| {
            let template = agreement.templates.get(name);
            template.is_some_and(|one| one.digest(name) == *version)
        });
        known.find_map(|(_, texts)| texts.get(name)).map(|said| &said.text.datasets)
    }

    fn agreed(&self, dataset: &DatasetName) -> Option<Digest> {
        let mut agreements = self.agreements.iter();
        let agreed = agreements.find_map(|agreement| agreement.datasets.get(dataset))?;
        Some(Resource::dataset(dataset, agreed).digest)
    }

    /// The terms that a view holds, if it is the very statement that these terms take, under the policy that they ask for.
    fn version(
        &self,
        dataset: &DatasetName,
        runner: &MemberId,
        account: &Account,
        view: &View,
    ) -> Option<Digest> {
        let mark = view.mark.mark()?;
        let terms = mark.terms?;
        let platform = PlatformId::snowflake();
        let (agreement, agreed) = self.agreements.iter().find_map(|agreement| {
            let agreed = agreement.datasets.get(dataset)?;
            (version(&platform, dataset, agreed) == terms).then_some((agreement, agreed))
        })?;
        let mut desired = Desired::whole(Arc::clone(agreement));
        desired.hidden.extend(mark.without.iter().map(|one| (dataset.clone(), one.clone())));
        let offer = offer(&desired, dataset, runner)?;
        let schema = if offer.is_own() { &account.runs } else { &account.offers };
        let is_it = view.secure
            && offer.put(&account.database).text() == Some(view.text)
            && view.guarded == offer.guarded
            && offer.guarded.iter().all(|guarded| {
                let policies = schema.as_ref().map(|schema| &schema.policies);
                policies.and_then(|all| all.get(&names::minimum(guarded.entities_min)))
                    == Some(&true)
            });
        is_it.then(|| Resource::dataset(dataset, agreed).digest)
    }

    fn templates(&self, holding: &mut Holding) {
        let mut hold = |name: &TemplateName, digest: Digest| {
            let kind = ResourceKind::Template(name.clone());
            holding.resources.insert(Resource { kind, digest });
        };
        for (runner, account) in &self.seen.accounts {
            let Some(runs) = &account.runs else { continue };
            if runs.mark == Comment::Unread {
                self.anything(runner).for_each(|name| hold(name, unknown()));
            }
            for (name, digest) in runs.mark.mark().into_iter().flat_map(|mark| &mark.templates) {
                let open = |dataset: &DatasetName| match self.owner(dataset) {
                    Some(owner) if owner == runner => runs.views.contains_key(dataset.as_str()),
                    Some(owner) => self.is_open(dataset, owner, runner),
                    None => true,
                };
                if self.reads(name, digest).is_none_or(|reads| reads.iter().all(open)) {
                    hold(name, *digest);
                }
            }
        }
        // Of a runner whom nobody here operates no list is seen: what it can reach it can ask.
        for (agreement, texts) in self.agreements.iter().zip(&self.texts) {
            for (name, said) in texts {
                let Some(template) = agreement.templates.get(name) else { continue };
                let reaches = |runner: &&MemberId| {
                    let foreign = said.text.datasets.iter().filter_map(|dataset| {
                        Some((dataset, &agreement.datasets.get(dataset)?.owner))
                    });
                    let foreign: Vec<_> = foreign.filter(|(_, owner)| *owner != *runner).collect();
                    !self.seen.accounts.contains_key(*runner)
                        && !foreign.is_empty()
                        && foreign.iter().all(|(one, owner)| self.is_open(one, owner, runner))
                };
                if template.run_by.iter().any(|runner| reaches(&runner)) {
                    hold(name, template.digest(name));
                }
            }
        }
    }

    /// What is open in accounts that no agreement in force names is open in no agreed version.
    fn past(&self, holding: &mut Holding) {
        for Past { seat, account } in &self.seen.past {
            for (name, _) in account.shares.iter().filter(|(_, share)| share.is_given()) {
                let mut places = self.places().into_iter();
                let named = places.find(|(dataset, _, runner)| {
                    names::share(&self.scope.collaboration, dataset, runner) == *name
                });
                holding.resources.extend(named.map(|(dataset, ..)| Resource {
                    kind: ResourceKind::Dataset(dataset),
                    digest: unknown(),
                }));
            }
            let runs = account.runs.iter().map(|runs| &runs.mark);
            let any = runs.clone().filter(|mark| **mark == Comment::Unread);
            let listed = runs.filter_map(Comment::mark).flat_map(|mark| mark.templates.keys());
            for name in any.flat_map(|_| self.anything(&seat.member)).chain(listed) {
                let kind = ResourceKind::Template(name.clone());
                holding.resources.insert(Resource { kind, digest: unknown() });
            }
        }
    }

    /// Every template that any agreement lets a member run: what its list may name that can't be read.
    fn anything(&self, runner: &MemberId) -> impl Iterator<Item = &TemplateName> {
        let all = self.agreements.iter().flat_map(|agreement| &agreement.templates);
        all.filter(|(_, template)| template.run_by.contains(runner)).map(|(name, _)| name)
    }

    fn owner(&self, dataset: &DatasetName) -> Option<&MemberId> {
        let mut agreements = self.agreements.iter();
        agreements.find_map(|agreement| agreement.datasets.get(dataset)).map(|one| &one.owner)
    }
}

/// The account that an agreement pins for a member.
fn pinned(agreement: &Agreement, member: &MemberId) -> Option<String> {
    account_of(agreement.members.get(member)?.identity.get(&PlatformId::snowflake())?)
}

/// The version of what no agreement says.
fn unknown() -> Digest {
    Digest::of(b"unknown")
}
