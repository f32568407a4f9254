//! What a worker asks of the world and waits for. Each call is registered when it is first polled, and pending until the world
//! answers: so every one of them is a place to be slow, to fail or to die.

use crate::executor::lock;
use crate::rule::Rule;
use adapter_spi::{AdapterError, Applied, Desired, Observation, Probe, ResourceKind, Scope, Step};
use airlock::store::{Appended, Fence, Head, Lease, Parties, Spent, Stands, StoreError};
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What is asked of the store.
#[derive(Debug, Clone)]
pub(crate) enum StoreAsk {
    Append { log: CollaborationId, expected: Head, appended: Box<Appended>, fence: Option<Fence> },
    Read { log: CollaborationId, from: u64, max: usize },
    Size(CollaborationId),
    Head(CollaborationId),
    Sizes,
    Acquire { resource: String, holder: String, ttl_ms: u64 },
    Renew { lease: Lease, ttl_ms: u64 },
    Release(Lease),
    Leases(String),
    LogsOf { tenant: MemberId, after: Option<CollaborationId>, max: usize },
    Stands { log: CollaborationId, tenant: MemberId },
    Unprojected { after: Option<CollaborationId>, max: usize },
    Project { log: CollaborationId, size: u64, parties: Parties },
    Spent([u8; 32]),
}

/// What is asked of a platform.
#[derive(Debug, Clone)]
pub(crate) enum PlatformAsk {
    Observe(Box<Scope>),
    /// Whether it is so already, before a write that the platform would take blindly.
    Peek(Box<Step>),
    /// Where a rule is set: to this, which may be less than was planned.
    Apply(Box<Step>, Option<Rule>),
    /// All that an owner allows, before a write of it.
    Rule(MemberId),
    Probe(ResourceKind),
    Stop(Box<Desired>),
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Store(StoreAsk),
    Platform(PlatformId, PlatformAsk),
}

/// What a store answers.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    Size(u64),
    Leaves(Vec<Vec<u8>>),
    Head(Head),
    Sizes(Vec<(CollaborationId, u64)>),
    Lease(Option<Lease>),
    Held(bool),
    Leases(Vec<Lease>),
    LogsOf(Vec<(CollaborationId, Stands)>),
    Stands(Option<Stands>),
    Named(Vec<CollaborationId>),
    Projected(bool),
    Spent(Option<Spent>),
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Store(Result<Stored, StoreError>),
    Seen(Result<Box<Observation>, AdapterError>),
    Applied(Result<Applied, AdapterError>),
    Rule(Result<Rule, AdapterError>),
    Probed(Result<Probe, AdapterError>),
    Stopped(Result<usize, AdapterError>),
}

/// A call on its way.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) worker: usize,
    pub(crate) ask: Ask,
}

/// Calls that were made and answers that came.
#[derive(Debug, Default)]
pub(crate) struct Net {
    made: u64,
    pub(crate) new: Vec<Request>,
    answers: BTreeMap<u64, Answer>,
    waiting: BTreeMap<u64, Waker>,
}

impl Net {
    /// Brings an answer to whoever waits for it; whether anybody does.
    pub(crate) fn answer(&mut self, call: u64, answer: Answer) -> bool {
        let Some(waker) = self.waiting.remove(&call) else { return false };
        self.answers.insert(call, answer);
        waker.wake();
        true
    }
}

/// A worker's end of the wire.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub(crate) net: Arc<Mutex<Net>>,
    pub(crate) worker: usize,
}

impl Wire {
    pub(crate) fn call(&self, ask: Ask) -> Call {
        Call { wire: self.clone(), ask: Some(ask), id: 0 }
    }
}

/// A call that is waited for.
#[derive(Debug)]
pub(crate) struct Call {
    wire: Wire,
    ask: Option<Ask>,
    id: u64,
}

impl Future for Call {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let net = Arc::clone(&self.wire.net);
        let mut net = lock(&net);
        if let Some(ask) = self.ask.take() {
            net.made += 1;
            self.id = net.made;
            let request = Request { id: self.id, worker: self.wire.worker, ask };
            net.new.push(request);
        } else if let Some(answer) = net.answers.remove(&self.id) {
            return Poll::Ready(answer);
        }
        net.waiting.insert(self.id, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut net = lock(&self.wire.net);
        net.waiting.remove(&self.id);
        net.answers.remove(&self.id);
    }
}
