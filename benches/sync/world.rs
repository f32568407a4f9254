//! A world in virtual time: platforms that change and fall silent, logs that grow, and a worker made of the scheduler and the
//! budgets. What a look costs is said here and nowhere else. Must not know what is measured.

use airlock::reconcile::budget::{Budgets, Key, Limit};
use airlock::reconcile::schedule::{Class, End, Failure, Pace, Schedule, Slots, Turn};
use mappings::model::{CollaborationId, PlatformId};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

pub(crate) const PLATFORMS: usize = 3;
/// A call takes this long, and one to a platform that is silent this long.
const CALL_MS: i64 = 100;
const SILENT_MS: i64 = 10_000;
/// What a walk over the pages of an account asks for; a look does so as well.
const SURVEYED: &str = "ListRooms";
/// A whole look at a room of one table: what it is, its members, table, rule and template.
const LOOK: [&str; 7] =
    [SURVEYED, "GetRoom", "ListMembers", "ListTables", "GetTable", "GetRule", "GetTemplate"];
/// What takes something away.
const CHANGE: [&str; 2] = ["DeleteRule", "DeleteTable"];
/// Five calls a second of each operation and account.
const LIMIT: Limit = Limit { calls: 5, within_ms: 1_000, burst: 10 };
/// A turn is not begun where an operation has fewer left.
const CALLS_MIN: u32 = 2;
/// One list call tells the marks of so many collaborations.
const PAGE: usize = 100;
/// Of the looks at a room whose mark is unchanged, one of so many is a whole one.
const WHOLE_EVERY: u32 = 12;
/// Of what is taken away, one of so many is not seen gone by the look after it.
const LATE: u64 = 5;
/// Leaves that closing a room appends to its log.
const LEAVES: u64 = 3;

/// How a revocation comes to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Told in the moment it is appended.
    AtOnce,
    /// Found by asking how long the logs are, every so many milliseconds.
    Asked(i64),
    /// Not at all: found by the next look for any other reason.
    Lost,
}

/// What there is, and what happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub collaborations: usize,
    /// Accounts on each platform; collaborations are dealt out to them.
    pub accounts: usize,
    pub pace: Pace,
    pub slots: Slots,
    /// A page of marks is good for so long; `None`: there are no surveys, every look is a whole one.
    pub survey_ms: Option<i64>,
    /// Of so many rooms one has changed since its log knew it; with 1 nothing is known, as on a first day.
    pub changed: usize,
    /// Time between two changes, anywhere, by people on their own; nine of ten by a tenth of the collaborations.
    pub drift_ms: Option<i64>,
    pub revoke_ms: Option<i64>,
    pub notice: Notice,
    /// When the first platform is silent.
    pub silent: (i64, i64),
}

/// A room, from its revocation to the look that saw it closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closed {
    pub since_ms: i64,
    pub took_ms: i64,
    pub platform: usize,
    /// Of all accounts.
    pub account: usize,
}

/// After how long an account's calls are enough to have closed so many rooms, whatever the order: two looks at each.
pub(crate) fn not_before_ms(rooms: usize) -> i64 {
    let asked = i64::try_from(rooms).unwrap() * 2 - i64::from(LIMIT.burst);
    asked.max(0) * i64::from(LIMIT.within_ms) / i64::from(LIMIT.calls)
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub calls: u64,
    pub looks: u64,
    /// From a change to the end of the look that saw it.
    pub stale_ms: Vec<i64>,
    pub closed: Vec<Closed>,
    /// When the last room was known for the first time.
    pub scanned_ms: Option<i64>,
}

#[derive(Debug, Default, Clone)]
struct Room {
    truth: u32,
    /// What the log says was last seen.
    recorded: u32,
    /// What the newest page says.
    mark: u32,
    changed_ms: Option<i64>,
    revoked_ms: Option<i64>,
    taken_away: bool,
    seen: bool,
    looks: u32,
}

#[derive(Debug, Default, Clone)]
struct Account {
    pages: Vec<Option<i64>>,
    walking: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Beat,
    Ask,
    Drift,
    Revoke,
    /// The next call of a walk over the pages of an account, and its answer.
    Page(usize, usize),
    Paged(usize, usize),
    /// What is left to do in a turn.
    Phase(Turn, Work),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Work {
    /// Calls still to be made, the next ones last.
    todo: Vec<&'static [&'static str]>,
    closes: bool,
    fails: bool,
    size: u64,
    account: usize,
}

pub(crate) struct World {
    of: Setting,
    now: i64,
    seed: u64,
    schedule: Schedule,
    budgets: Budgets,
    names: Vec<CollaborationId>,
    platforms: Vec<PlatformId>,
    sizes: Vec<u64>,
    grown: BTreeSet<usize>,
    rooms: Vec<Room>,
    accounts: Vec<Account>,
    unseen: usize,
    events: BinaryHeap<Reverse<(i64, usize)>>,
    what: Vec<Option<Event>>,
    free: Vec<usize>,
    pub told: Told,
}

impl World {
    pub(crate) fn new(of: Setting) -> Self {
        let names: Vec<_> = (0..of.collaborations)
            .map(|n| CollaborationId::new(&format!("deal-{n:05}")).unwrap())
            .collect();
        let platforms: Vec<_> =
            (0..PLATFORMS).map(|n| PlatformId::new(&format!("platform-{n}")).unwrap()).collect();
        let room = |at: usize| Room {
            truth: u32::from(at.is_multiple_of(of.changed)) + 1,
            recorded: 1,
            ..Room::default()
        };
        let pages = of.collaborations.div_ceil(of.accounts).div_ceil(PAGE);
        let account = Account { pages: vec![None; pages], walking: false };
        let mut world = Self {
            now: 0,
            seed: 1,
            schedule: Schedule::new(of.pace, 42),
            budgets: Budgets::new(LIMIT),
            sizes: vec![1; of.collaborations],
            grown: BTreeSet::new(),
            rooms: (0..of.collaborations * PLATFORMS).map(room).collect(),
            accounts: vec![account; PLATFORMS * of.accounts],
            unseen: of.collaborations * PLATFORMS,
            events: BinaryHeap::new(),
            what: Vec::new(),
            free: Vec::new(),
            told: Told::default(),
            names,
            platforms,
            of,
        };
        world.schedule.heads(0, world.names.iter().cloned().map(|name| (name, 1)));
        world.at(0, Event::Beat);
        if let Notice::Asked(every_ms) = of.notice {
            world.at(every_ms, Event::Ask);
        }
        let begun = [(of.drift_ms, Event::Drift), (of.revoke_ms, Event::Revoke)];
        for (every_ms, event) in begun.into_iter().filter(|(every_ms, _)| every_ms.is_some()) {
            world.at(every_ms.unwrap_or_default(), event);
        }
        world
    }

    /// Lets time pass until then, or until every room was seen once.
    pub(crate) fn run(&mut self, until_ms: i64, scan: bool) {
        while let Some(Reverse((at, which))) = self.events.pop() {
            if at > until_ms || (scan && self.unseen == 0) {
                self.events.push(Reverse((at, which)));
                break;
            }
            self.now = at;
            let event = self.what[which].take().unwrap();
            self.free.push(which);
            self.happens(event);
        }
    }

    /// Changes that nobody has seen yet count as if they were seen now.
    pub(crate) fn end(mut self) -> Told {
        let open = self.rooms.iter().filter_map(|room| room.changed_ms);
        self.told.stale_ms.extend(open.map(|at| self.now - at));
        self.told
    }

    fn at(&mut self, at: i64, event: Event) {
        let which = self.free.pop().unwrap_or_else(|| {
            self.what.push(None);
            self.what.len() - 1
        });
        self.what[which] = Some(event);
        self.events.push(Reverse((at, which)));
    }

    fn chance(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// Anything around a mean, never nothing.
    fn around(&mut self, mean_ms: i64) -> i64 {
        1 + i64::try_from(self.chance(u64::try_from(mean_ms).unwrap() * 2)).unwrap()
    }

    fn one_of(&mut self, many: usize) -> usize {
        usize::try_from(self.chance(u64::try_from(many).unwrap())).unwrap()
    }

    fn is_silent(&self, platform: usize, at: i64) -> bool {
        platform == 0 && (self.of.silent.0..self.of.silent.1).contains(&at)
    }

    fn account(&self, collaboration: usize, platform: usize) -> usize {
        platform * self.of.accounts + collaboration % self.of.accounts
    }

    fn page(&self, collaboration: usize) -> usize {
        collaboration / self.of.accounts / PAGE
    }

    fn place(&self, turn: &Turn) -> (usize, Option<usize>) {
        let collaboration = turn.collaboration.as_str()[5..].parse().unwrap();
        let room = turn.room.as_ref();
        (collaboration, room.map(|room| self.platforms.iter().position(|one| one == room).unwrap()))
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Beat => {
                self.give_out();
                let next_ms = self.schedule.next_ms(self.now).unwrap_or(1_000).clamp(10, 1_000);
                self.at(self.now + i64::try_from(next_ms).unwrap(), Event::Beat);
            }
            Event::Ask => {
                self.heads();
                let Notice::Asked(every_ms) = self.of.notice else { return };
                self.at(self.now + every_ms, Event::Ask);
                self.give_out();
            }
            Event::Drift => self.drift(),
            Event::Revoke => self.revoke(),
            Event::Page(account, page) => self.ask_page(account, page),
            Event::Paged(account, page) => self.paged(account, page),
            Event::Phase(turn, work) => self.phase(turn, work),
        }
    }

    fn heads(&mut self) {
        let grown = std::mem::take(&mut self.grown).into_iter();
        let heads: Vec<_> = grown.map(|at| (self.names[at].clone(), self.sizes[at])).collect();
        self.schedule.heads(self.now, heads);
    }

    fn drift(&mut self) {
        let busy = self.of.collaborations / 10;
        let many = if self.chance(10) == 0 { self.of.collaborations } else { busy };
        let at = self.one_of(many) * PLATFORMS + self.one_of(PLATFORMS);
        let now = self.now;
        let room = &mut self.rooms[at];
        room.truth += 1;
        room.changed_ms.get_or_insert(now);
        let wait_ms = self.around(self.of.drift_ms.unwrap_or(i64::MAX / 4));
        self.at(now + wait_ms, Event::Drift);
    }

    fn revoke(&mut self) {
        let one = self.one_of(self.of.collaborations);
        let now = self.now;
        for room in &mut self.rooms[one * PLATFORMS..][..PLATFORMS] {
            room.revoked_ms.get_or_insert(now);
        }
        self.sizes[one] += 1;
        self.grown.insert(one);
        match self.of.notice {
            Notice::AtOnce => {
                self.heads();
                self.give_out();
            }
            Notice::Asked(_) => {}
            Notice::Lost => self.grown.clear(),
        }
        let wait_ms = self.around(self.of.revoke_ms.unwrap_or(i64::MAX / 4));
        self.at(now + wait_ms, Event::Revoke);
    }

    /// The survey: a page is a list call; the first that is not had waits for its budget and is asked again.
    fn ask_page(&mut self, account: usize, page: usize) {
        let list = self.key(account, SURVEYED);
        match self.budgets.take(&list, 1, false, self.now) {
            Ok(()) => {
                self.told.calls += 1;
                if self.is_silent(account / self.of.accounts, self.now) {
                    self.at(self.now + SILENT_MS, Event::Page(account, page));
                } else {
                    self.at(self.now + CALL_MS, Event::Paged(account, page));
                }
            }
            Err(wait_ms) => {
                let at = self.now + i64::try_from(wait_ms).unwrap();
                self.at(at, Event::Page(account, page));
            }
        }
    }

    fn paged(&mut self, account: usize, page: usize) {
        let (platform, nth) = (account / self.of.accounts, account % self.of.accounts);
        self.accounts[account].pages[page] = Some(self.now);
        for at in page * PAGE..(page + 1) * PAGE {
            let collaboration = at * self.of.accounts + nth;
            let Some(room) = self.rooms.get_mut(collaboration * PLATFORMS + platform) else {
                break;
            };
            room.mark = room.truth;
            if self.of.changed > 1 && room.mark == room.recorded {
                self.unseen -= usize::from(!std::mem::replace(&mut room.seen, true));
                continue;
            }
            let (name, room) = (&self.names[collaboration], &self.platforms[platform]);
            self.schedule.wake(name, Some(room), Class::Opening, self.now);
        }
        if self.unseen == 0 {
            self.told.scanned_ms.get_or_insert(self.now);
        }
        if page + 1 < self.accounts[account].pages.len() {
            self.at(self.now, Event::Page(account, page + 1));
        } else {
            self.accounts[account].walking = false;
        }
        self.give_out();
    }

    fn give_out(&mut self) {
        loop {
            let turns = self.schedule.due(self.now, self.of.slots);
            if turns.is_empty() {
                return;
            }
            for turn in turns {
                self.begin(turn);
            }
        }
    }

    fn begin(&mut self, turn: Turn) {
        let (collaboration, platform) = self.place(&turn);
        let size = self.sizes[collaboration];
        let Some(platform) = platform else {
            let rooms = self.rooms[collaboration * PLATFORMS..][..PLATFORMS].iter();
            let class = |room: &Room| {
                if room.revoked_ms.is_some() { Class::Closing } else { Class::Exposed }
            };
            let rooms = self.platforms.iter().cloned().zip(rooms.map(class));
            self.schedule.rooms(&turn.collaboration, rooms, self.now);
            let account = format!("account-{}", collaboration % self.of.accounts);
            for room in &self.platforms {
                self.schedule.account(&turn.collaboration, room, &account);
            }
            let end = End { class: Class::Exposed, changed: false, failed: None, size };
            return self.schedule.ended(turn, end, self.now);
        };
        let at = collaboration * PLATFORMS + platform;
        let (closes, away) = (self.rooms[at].revoked_ms.is_some(), self.rooms[at].taken_away);
        let account = self.account(collaboration, platform);
        let plain = Work { todo: Vec::new(), closes, fails: false, size, account };
        if closes {
            // As the worker: a turn whose account has few calls left would hold the place of another's.
            let asked = LOOK.map(|operation| self.key(account, operation));
            let wait_ms = self.budgets.wait_ms(&asked, CALLS_MIN, true, self.now);
            if wait_ms > 0 {
                return self.schedule.back(turn, wait_ms, self.now);
            }
            let todo: Vec<&'static [_]> =
                if away { vec![&LOOK] } else { vec![&LOOK, &CHANGE, &LOOK] };
            return self.phase(turn, Work { todo, ..plain });
        }
        if let Some(good_ms) = self.of.survey_ms {
            let page = self.page(collaboration);
            let walk = &mut self.accounts[account];
            if walk.pages[page].is_none_or(|at| self.now - at > good_ms) {
                if !std::mem::replace(&mut walk.walking, true) {
                    self.at(self.now, Event::Page(account, 0));
                }
                return self.schedule.back(turn, 1_000, self.now);
            }
            let room = &mut self.rooms[at];
            room.looks += 1;
            let whole = (room.looks + u32::try_from(at).unwrap()).is_multiple_of(WHOLE_EVERY);
            if self.of.changed > 1 && room.mark == room.recorded && !whole {
                self.told.looks += 1;
                let end = End { class: Class::Exposed, changed: false, failed: None, size };
                return self.schedule.ended(turn, end, self.now);
            }
        }
        self.phase(turn, Work { todo: vec![&LOOK], ..plain });
    }

    /// Makes the next calls of a turn. What is ordinary gives its turn back when there are none to be had; what closes waits.
    fn phase(&mut self, turn: Turn, mut work: Work) {
        let (collaboration, platform) = self.place(&turn);
        let platform = platform.unwrap();
        let account = work.account;
        let Some(calls) = work.todo.last().copied() else {
            return self.over(turn, &work, collaboration * PLATFORMS + platform);
        };
        let urgent = turn.urgent || work.closes;
        if let Some(wait_ms) = self.take(account, calls, urgent) {
            if !urgent {
                return self.schedule.back(turn, wait_ms, self.now);
            }
            let at = self.now + i64::try_from(wait_ms).unwrap();
            return self.at(at, Event::Phase(turn, work));
        }
        let many = u32::try_from(calls.len()).unwrap();
        work.todo.pop();
        if self.is_silent(platform, self.now) {
            self.told.calls += 1;
            (work.fails, work.todo) = (true, Vec::new());
            return self.at(self.now + SILENT_MS, Event::Phase(turn, work));
        }
        self.told.calls += u64::from(many);
        self.at(self.now + CALL_MS * i64::from(many), Event::Phase(turn, work));
    }

    fn key(&self, account: usize, operation: &'static str) -> Key {
        let (platform, nth) = (account / self.of.accounts, account % self.of.accounts);
        let platform = self.platforms[platform].clone();
        Key { platform, account: format!("account-{nth}"), operation }
    }

    /// All of these calls or none; the wait, when one is not to be had.
    fn take(&mut self, account: usize, calls: &[&'static str], urgent: bool) -> Option<u64> {
        let keys: Vec<Key> = calls.iter().map(|one| self.key(account, one)).collect();
        let asked: Vec<_> = keys.iter().map(|key| (key, 1)).collect();
        self.budgets.take_all(&asked, urgent, self.now).err()
    }

    fn over(&mut self, turn: Turn, work: &Work, at: usize) {
        let (now, size) = (self.now, work.size);
        let late = self.chance(LATE) == 0;
        self.told.looks += 1;
        let class = if work.closes { Class::Closing } else { Class::Exposed };
        if work.fails {
            let failed = Some(Failure { retry_after_ms: None });
            let end = End { class, changed: false, failed, size };
            self.schedule.ended(turn, end, now);
            return self.give_out();
        }
        let room = &mut self.rooms[at];
        let changed = room.recorded != room.truth || self.of.changed == 1 && !room.seen;
        room.recorded = room.truth;
        self.told.stale_ms.extend(room.changed_ms.take().map(|at| now - at));
        self.unseen -= usize::from(!std::mem::replace(&mut room.seen, true));
        if self.unseen == 0 {
            self.told.scanned_ms.get_or_insert(now);
        }
        let mut end = End { class, changed, failed: None, size };
        if work.closes {
            end.changed = true;
            let first = !std::mem::replace(&mut room.taken_away, true);
            if !(first && late) {
                room.taken_away = false;
                let revoked = room.revoked_ms.take();
                let (platform, account) = (at % PLATFORMS, work.account);
                let closed =
                    |since_ms| Closed { since_ms, took_ms: now - since_ms, platform, account };
                self.told.closed.extend(revoked.map(closed));
                end.class = Class::Exposed;
                let log = at / PLATFORMS;
                self.sizes[log] += LEAVES;
                self.grown.insert(log);
                end.size = if self.sizes[log] == size + LEAVES { size + LEAVES } else { size };
            }
        }
        self.schedule.ended(turn, end, now);
        self.give_out();
    }
}
