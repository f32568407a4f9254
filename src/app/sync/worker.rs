//! What a worker keeps between turns: which logs there are, whose rooms are due, what is remembered of them. Must not know stores,
//! platforms or timers.

use super::SLOTS;
use super::addresses::Addresses;
use super::inbox::Trigger;
use super::memories::Memories;
use super::seen::Seen;
use crate::error::Problem;
use crate::log::Pending;
use crate::reconcile::budget::{Budgets, Key};
use crate::reconcile::schedule::{Class, End, Failure, Pace, Schedule, Turn};
use crate::reconcile::{Memory, shard};
use crate::store::Fence;
use mappings::model::{CollaborationId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A look is not begun where an operation that it asks for has not so many calls left: it would wait, and hold the place of another.
/// No more than what is kept for closing, or the looks of others could keep it from ever having them.
const CALLS_MIN: u32 = 2;

type Room = (CollaborationId, PlatformId);

/// A log by its shard and length.
#[derive(Debug, Clone, Copy)]
struct Log {
    shard: u16,
    size: u64,
}

/// The same.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) schedule: Schedule,
    memories: Memories,
    fences: BTreeMap<u16, Fence>,
    logs: BTreeMap<CollaborationId, Log>,
    /// What is withdrawn and not on record.
    pending: Vec<Pending>,
    /// Rooms whose last turn left a call undone.
    undone: BTreeSet<Room>,
    /// What a look at a room asked for the last time.
    asked: BTreeMap<Room, Arc<[Key]>>,
    /// The same, each kept once: rooms differ in little but their names.
    looks: BTreeSet<Arc<[Key]>>,
    /// Rooms that are not reached, of which that was told.
    missing: BTreeMap<CollaborationId, Vec<Problem>>,
    /// Who names which account, for what is told from outside; none where nobody tells anything.
    addresses: Option<Addresses>,
}

impl Worker {
    pub(super) fn new(every_ms: i64, seed: u64) -> Self {
        Self {
            schedule: Schedule::new(Pace::default().every(every_ms), seed),
            memories: Memories::default(),
            fences: BTreeMap::new(),
            logs: BTreeMap::new(),
            pending: Vec::new(),
            undone: BTreeSet::new(),
            asked: BTreeMap::new(),
            looks: BTreeSet::new(),
            missing: BTreeMap::new(),
            addresses: None,
        }
    }

    /// The same, to which something may be told from outside.
    pub(super) fn told_from_outside(self) -> Self {
        Self { addresses: Some(Addresses::default()), ..self }
    }

    /// The leases it has now. Logs of other workers are not looked at.
    pub(super) fn led(&mut self, fences: BTreeMap<u16, Fence>, now_ms: i64) {
        let had = std::mem::replace(&mut self.fences, fences);
        let (new, lost) = (
            self.fences.keys().any(|shard| !had.contains_key(shard)),
            had.keys().any(|shard| !self.fences.contains_key(shard)),
        );
        if lost {
            let theirs = self.logs.iter().filter(|(_, log)| !self.fences.contains_key(&log.shard));
            for (collaboration, _) in theirs {
                self.schedule.forget(collaboration);
            }
            let mine = |of: &CollaborationId| self.fences.contains_key(&shard(of));
            self.memories.retain(|shard| self.fences.contains_key(&shard));
            self.asked.retain(|(collaboration, _), _| mine(collaboration));
            self.looks.retain(|look| Arc::strong_count(look) > 1);
            self.missing.retain(|collaboration, _| mine(collaboration));
            if let Some(addresses) = &mut self.addresses {
                addresses.retain(mine);
            }
            self.undone.retain(|(collaboration, _)| mine(collaboration));
        }
        if new {
            let mine = self.logs.iter().filter(|(_, log)| self.fences.contains_key(&log.shard));
            self.schedule.heads(now_ms, mine.map(|(name, log)| (name.clone(), log.size)));
        }
    }

    /// The logs there are, all of them. One that was there is not forgotten: it has no leaf any more.
    pub(super) fn listed(&mut self, heads: &[(CollaborationId, u64)], now_ms: i64) {
        let (listed, known) = (heads.len(), self.logs.len());
        let (mut grown, mut fresh) = (Vec::new(), 0);
        for (name, size) in heads {
            let (name, size) = (name, *size);
            let shard = match self.logs.get_mut(name) {
                Some(log) if log.size == size => continue,
                Some(log) => {
                    log.size = size;
                    log.shard
                }
                None => {
                    let shard = shard(name);
                    self.logs.insert(name.clone(), Log { shard, size });
                    fresh += 1;
                    shard
                }
            };
            if self.fences.contains_key(&shard) {
                grown.push((name.clone(), size));
            }
        }
        if known + fresh > listed {
            let there: BTreeSet<&CollaborationId> = heads.iter().map(|(name, _)| name).collect();
            let gone =
                self.logs.iter_mut().filter(|(name, log)| log.size > 0 && !there.contains(name));
            for (name, log) in gone {
                log.size = 0;
                if self.fences.contains_key(&log.shard) {
                    grown.push((name.clone(), 0));
                }
            }
        }
        self.schedule.heads(now_ms, grown);
    }

    /// Logs that this gateway saw once, whether or not the store has them.
    pub(super) fn named(&mut self, names: Vec<CollaborationId>, now_ms: i64) {
        let mut unknown = Vec::new();
        for name in names {
            if !self.logs.contains_key(&name) {
                let shard = shard(&name);
                if self.fences.contains_key(&shard) {
                    unknown.push((name.clone(), 0));
                }
                self.logs.insert(name, Log { shard, size: 0 });
            }
        }
        self.schedule.heads(now_ms, unknown);
    }

    /// What is withdrawn and not on record: what is new of it is closed at once, can the logs be listed or not.
    pub(super) fn reserved(&mut self, pending: Vec<Pending>, now_ms: i64) {
        for one in pending.iter().filter(|one| !self.pending.contains(one)) {
            self.schedule.wake(&one.leaf.collaboration, None, Class::Closing, now_ms);
        }
        self.pending = pending;
    }

    /// What was told from outside: rooms that it may be about are looked at sooner, and that is all that comes of it.
    pub(super) fn hinted(&mut self, told: BTreeSet<Trigger>, now_ms: i64) {
        for trigger in told {
            match trigger {
                Trigger::Room { collaboration, room } => {
                    self.schedule.hint(&collaboration, room.as_ref(), now_ms);
                }
                Trigger::Account { platform, account } => {
                    let address = (platform, account);
                    let named = self.addresses.iter().flat_map(|all| all.at(&address));
                    for collaboration in named {
                        self.schedule.hint(collaboration, Some(&address.0), now_ms);
                    }
                }
            }
        }
    }

    /// Whether it works on this log.
    pub(super) fn is_mine(&self, of: &CollaborationId) -> bool {
        self.fences.contains_key(&shard(of))
    }

    /// How many logs it works on.
    pub(super) fn len(&self) -> usize {
        self.logs.values().filter(|log| self.fences.contains_key(&log.shard)).count()
    }

    /// The turns to begin now. One whose account has no calls left is put back until it has.
    pub(super) fn due(&mut self, budgets: &mut Budgets, now_ms: i64, steady_ms: i64) -> Vec<Turn> {
        let mut begun = Vec::new();
        for turn in self.schedule.due(now_ms, SLOTS) {
            let room = turn.room.clone().map(|room| (turn.collaboration.clone(), room));
            let wait_ms = room
                .and_then(|room| self.asked.get(&room))
                .map_or(0, |asked| budgets.wait_ms(asked, CALLS_MIN, turn.urgent, steady_ms));
            if wait_ms == 0 {
                begun.push(turn);
            } else {
                self.schedule.back(turn, wait_ms, now_ms);
            }
        }
        begun
    }

    /// What a turn goes on from.
    pub(super) fn remembered(&mut self, turn: &Turn) -> (Memory, Option<Fence>) {
        let room = turn.room.as_ref();
        let memory = room.map(|room| self.memories.take(&turn.collaboration, room));
        let fence = self.fences.get(&shard(&turn.collaboration)).cloned();
        (memory.unwrap_or_default(), fence)
    }

    /// What is missing in a collaboration and was not told yet.
    pub(super) fn untold(&mut self, of: &CollaborationId, missing: Vec<Problem>) -> Vec<Problem> {
        if missing.is_empty() {
            self.missing.remove(of);
            return missing;
        }
        let told = self.missing.insert(of.clone(), missing.clone()).unwrap_or_default();
        missing.into_iter().filter(|one| !told.contains(one)).collect()
    }

    /// What a look at a room asks for.
    fn spent(&mut self, room: &Room, used: BTreeSet<Key>) {
        let used: Vec<Key> = used.into_iter().collect();
        if used.is_empty() || self.asked.get(room).is_some_and(|known| **known == *used) {
            return;
        }
        let names: BTreeSet<&str> = used.iter().map(|key| key.account.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        self.schedule.account(&room.0, &room.1, &names.join(" "));
        let look = self.looks.get(used.as_slice()).map_or_else(|| used.into(), Arc::clone);
        self.looks.insert(Arc::clone(&look));
        self.asked.insert(room.clone(), look);
    }

    /// A turn is over.
    pub(super) fn ended(&mut self, turn: Turn, memory: Memory, seen: Seen, now_ms: i64) {
        let Seen { class, changed, mut failed, undone, idle, size, rooms, used, addresses, .. } =
            seen;
        if let (Some(named), Some(all)) = (addresses, &mut self.addresses)
            && self.fences.contains_key(&shard(&turn.collaboration))
        {
            all.set(&turn.collaboration, named);
        }
        if let Some(room) = &turn.room {
            if self.fences.contains_key(&shard(&turn.collaboration)) {
                self.memories.keep(&turn.collaboration, room, memory);
            }
            let key = (turn.collaboration.clone(), room.clone());
            self.spent(&key, used);
            if undone {
                self.undone.insert(key);
            } else if idle && self.undone.contains(&key) {
                // It waited for what the one before did not do: the next tries that again.
                failed = failed.or(Some(Failure { retry_after_ms: None }));
            } else {
                self.undone.remove(&key);
            }
        }
        if let Some(mut rooms) = rooms {
            // Of a room that is known its own turns say what it is looked at for, but for what is to be closed.
            for (room, class) in &mut rooms {
                if turn.room.is_some() && self.schedule.knows(&turn.collaboration, room) {
                    *class = if *class == Class::Closing { Class::Closing } else { Class::Idle };
                }
            }
            self.schedule.rooms(&turn.collaboration, rooms, now_ms);
        }
        self.schedule.ended(turn, End { class, changed, failed, size }, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::pace::LIMIT;
    use crate::log::{Actor, Body, Leaf, Revocable};
    use crate::reconcile::SHARDS;

    fn spring() -> CollaborationId {
        "spring".parse().unwrap()
    }

    fn room() -> PlatformId {
        PlatformId::aws_clean_rooms()
    }

    fn all() -> BTreeMap<u16, Fence> {
        let fence = |shard| (shard, Fence { resource: "shard".to_owned(), token: 1 });
        (0..SHARDS).map(fence).collect()
    }

    fn read(class: Class) -> Seen {
        Seen { rooms: Some(vec![(room(), class)]), ..Seen::nothing(3) }
    }

    /// A worker that knows one log of one room, looked at at two minutes.
    fn worker() -> Worker {
        let mut worker = Worker::new(60_000, 7);
        worker.led(all(), 0);
        worker.listed(&[(spring(), 3)], 0);
        for turn in worker.schedule.due(0, SLOTS) {
            worker.ended(turn, Memory::default(), read(Class::Opening), 0);
        }
        for turn in worker.schedule.due(120_000, SLOTS) {
            worker.ended(turn, Memory::default(), Seen::nothing(3), 120_000);
        }
        assert_eq!(worker.schedule.len(), 2);
        worker
    }

    fn due(worker: &mut Worker, now_ms: i64) -> Vec<(Option<PlatformId>, bool)> {
        let turns = worker.schedule.due(now_ms, SLOTS);
        turns.into_iter().map(|turn| (turn.room.clone(), turn.urgent)).collect()
    }

    #[test]
    fn a_withdrawal_in_the_reserve_wakes_its_rooms_once() {
        let mut worker = worker();
        let by = "grocer".parse().unwrap();
        let leaf = Leaf {
            actor: Actor::Gateway,
            at_ms: 7,
            body: Body::Revoked { by, what: Revocable::Room },
            collaboration: spring(),
            signature: None,
        };
        let pending = vec![Pending { leaf, since: None }];
        worker.reserved(pending.clone(), 121_000);
        let [turn] = worker.schedule.due(121_000, SLOTS).try_into().unwrap();
        assert!(turn.urgent && turn.room == Some(room()));
        worker.ended(turn, Memory::default(), Seen::nothing(3), 121_000);
        worker.reserved(pending, 121_500);
        assert!(due(&mut worker, 121_500).is_empty());
    }

    #[test]
    fn a_log_that_is_not_listed_any_more_is_looked_at() {
        let mut worker = worker();
        worker.listed(&[(spring(), 3)], 121_000);
        assert!(due(&mut worker, 121_000).is_empty());
        worker.listed(&[], 121_500);
        assert_eq!(due(&mut worker, 121_500), [(Some(room()), true)]);
        worker.named(vec!["autumn".parse().unwrap(), spring()], 122_000);
        assert_eq!(due(&mut worker, 122_000), [(None, false)]);
    }

    #[test]
    fn a_room_of_a_later_version_is_found_by_the_turns_of_the_others() {
        let mut worker = worker();
        worker.listed(&[(spring(), 4)], 121_000);
        let [turn] = worker.schedule.due(121_000, SLOTS).try_into().unwrap();
        let second: PlatformId = "snowflake".parse().unwrap();
        let rooms = Some(vec![(room(), Class::Opening), (second.clone(), Class::Opening)]);
        worker.ended(turn, Memory::default(), Seen { rooms, ..Seen::nothing(4) }, 121_000);
        assert_eq!(due(&mut worker, 123_000), [(Some(second), false)]);
    }

    #[test]
    fn who_waits_for_what_was_not_done_is_not_taken_for_well() {
        let mut worker = worker();
        let (mut tries, mut now_ms) = (0, 121_000);
        worker.schedule.wake(&spring(), None, Class::Loosened, now_ms);
        while now_ms < 721_000 {
            for turn in worker.schedule.due(now_ms, SLOTS) {
                let undone = tries % 2 == 0;
                let failed = undone.then_some(Failure { retry_after_ms: None });
                let class = Class::Loosened;
                let seen = Seen { class, failed, undone, idle: !undone, ..Seen::nothing(3) };
                worker.ended(turn, Memory::default(), seen, now_ms);
                tries += 1;
            }
            now_ms += 250;
        }
        assert!(tries < 40, "{tries} in ten minutes");
    }

    #[test]
    fn what_another_works_on_is_forgotten() {
        let mut worker = worker();
        let [turn] = {
            worker.schedule.wake(&spring(), None, Class::Opening, 121_000);
            worker.schedule.due(121_000, SLOTS).try_into().unwrap()
        };
        worker.led(BTreeMap::new(), 121_000);
        worker.ended(turn, Memory::waiting(), Seen::nothing(3), 121_000);
        assert!(worker.schedule.is_empty() && worker.len() == 0);
        worker.led(all(), 122_000);
        let [turn] = worker.schedule.due(122_000, SLOTS).try_into().unwrap();
        assert_eq!(turn.room, None, "it is read anew");
        worker.ended(turn, Memory::default(), read(Class::Closing), 122_000);
        let [turn] = worker.schedule.due(122_000, SLOTS).try_into().unwrap();
        assert!(!worker.remembered(&turn).0.waits());
    }

    #[test]
    fn a_look_whose_account_has_no_calls_left_takes_no_place() {
        let key = Key { platform: room(), account: "grocer".to_owned(), operation: "ListTables" };
        // Ordinary looks go on as far as they may, again and again.
        let mut budgets = Budgets::new(LIMIT);
        let mut worker = worker();
        worker.schedule.wake(&spring(), None, Class::Exposed, 121_000);
        let [turn] = worker.due(&mut budgets, 121_000, 0).try_into().unwrap();
        let used = BTreeSet::from([key.clone()]);
        worker.ended(turn, Memory::default(), Seen { used, ..Seen::nothing(3) }, 121_000);
        while budgets.take(&key, 1, false, 0).is_ok() {}
        worker.schedule.wake(&spring(), None, Class::Exposed, 121_000);
        assert!(worker.due(&mut budgets, 121_000, 0).is_empty());
        assert_eq!(worker.schedule.next_ms(121_000), Some(400));
        worker.schedule.wake(&spring(), None, Class::Closing, 121_000);
        let [turn] = worker.due(&mut budgets, 121_000, 0).try_into().unwrap();
        assert!(turn.urgent, "what is kept for closing is there");
        worker.ended(turn, Memory::default(), Seen::nothing(3), 121_000);
        worker.schedule.wake(&spring(), None, Class::Exposed, 121_000);
        assert_eq!(worker.due(&mut budgets, 121_400, 400).len(), 1);
    }

    #[test]
    fn a_word_about_an_account_finds_the_rooms_of_who_names_it() {
        let mut worker = worker().told_from_outside();
        let named = BTreeSet::from([(room(), "111111111111".to_owned())]);
        worker.schedule.wake(&spring(), None, Class::Exposed, 121_000);
        let [turn] = worker.schedule.due(121_000, SLOTS).try_into().unwrap();
        let seen = Seen { addresses: Some(named), ..Seen::nothing(3) };
        worker.ended(turn, Memory::default(), seen, 121_000);
        let told = |account: &str| {
            BTreeSet::from([Trigger::Account { platform: room(), account: account.to_owned() }])
        };
        worker.hinted(told("222222222222"), 122_000);
        assert!(due(&mut worker, 122_000).is_empty());
        worker.hinted(told("111111111111"), 122_000);
        assert_eq!(due(&mut worker, 122_000), [(Some(room()), false)]);
        worker.led(BTreeMap::new(), 123_000);
        assert_eq!(worker.addresses.unwrap().at(&(room(), "111111111111".to_owned())).count(), 0);
    }

    #[test]
    fn a_room_that_is_not_reached_is_told_once_until_it_was() {
        let mut worker = worker();
        let of = |room: &str| {
            let [code, at, message, help] = [room; 4].map(ToOwned::to_owned);
            Problem { code, at, message, help }
        };
        assert_eq!(worker.untold(&spring(), vec![of("a")]), [of("a")]);
        assert_eq!(worker.untold(&spring(), vec![of("a"), of("b")]), [of("b")]);
        assert!(worker.untold(&spring(), vec![of("b"), of("a")]).is_empty());
        assert!(worker.untold(&spring(), Vec::new()).is_empty());
        assert_eq!(worker.untold(&spring(), vec![of("a")]), [of("a")]);
    }
}
