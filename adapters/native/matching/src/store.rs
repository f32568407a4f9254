//! Both sides' partitions, in memory and spilled, under one memory limit; knows rows as words, not what they mean.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::MatchError;
use crate::filter::{Filter, Section};
use crate::partitions::{Blocks, Load, Partitions};
use crate::settings::{Settings, Side};
use crate::spill::Run;
use crate::token::{Token, TokenColumn};

/// Rows scattered between two looks at the memory limit and the cancellation flag.
const STEP_ROWS: usize = 1 << 14;

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The most that partition buffers held at once, in bytes.
    pub buffer_bytes_peak: usize,
    /// Bytes written to spill files.
    pub spilled_bytes: u64,
}

#[derive(Debug, Default)]
struct Sealed {
    parts: Vec<Partitions>,
    runs: Vec<Run>,
    /// Writers that may still add rows.
    open: usize,
    /// No more rows may come.
    complete: bool,
}

/// Where writers leave their rows.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) settings: Settings,
    widths: (usize, usize),
    used: AtomicUsize,
    peak: AtomicUsize,
    spilled: AtomicU64,
    writers: AtomicUsize,
    left: Mutex<Sealed>,
    right: Mutex<Sealed>,
    /// What the left side holds, once it is complete.
    filter: OnceLock<Filter>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    pub(crate) fn new(settings: Settings, widths: (usize, usize)) -> Self {
        Self {
            settings,
            widths,
            used: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            spilled: AtomicU64::new(0),
            writers: AtomicUsize::new(0),
            left: Mutex::default(),
            right: Mutex::default(),
            filter: OnceLock::new(),
        }
    }

    fn width(&self, side: Side) -> usize {
        match side {
            Side::Left => self.widths.0,
            Side::Right => self.widths.1,
        }
    }

    fn sealed(&self, side: Side) -> &Mutex<Sealed> {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    pub(crate) fn writer(self: &Arc<Self>, side: Side) -> Writer {
        self.writers.fetch_add(1, Ordering::Relaxed);
        lock(self.sealed(side)).open += 1;
        Writer {
            store: Arc::clone(self),
            side,
            parts: Partitions::new(self.width(side), self.settings.bits()),
        }
    }

    /// Declares the left side complete and notes what it holds, so that right rows without a match are not kept.
    pub(crate) fn complete_left(&self) -> Result<(), MatchError> {
        let mut left = lock(&self.left);
        if left.open > 0 || left.complete {
            return Err(MatchError::OutOfTurn);
        }
        left.complete = true;
        let left = &*left;
        let parts = 1_usize << self.settings.bits();
        let width = self.widths.0;
        let held: usize = left.parts.iter().map(|p| p.bytes() / 8).sum();
        let spilled: usize =
            (0..parts).flat_map(|n| left.runs.iter().map(move |r| r.words(n))).sum();
        let bytes_max = self.settings.memory.bytes_max / 16;
        let mut filter = Filter::new((held + spilled) / width, parts, bytes_max);
        let sections = Mutex::new(filter.sections(parts).enumerate());
        let fill = || -> Result<(), MatchError> {
            loop {
                let next = lock(&sections).next();
                let Some((number, mut section)) = next else { return Ok(()) };
                self.settings.go_on()?;
                for block in left.parts.iter().flat_map(|p| p.blocks(number)) {
                    add_rows(&mut section, block, width);
                }
                for run in &left.runs {
                    let added = run.read(number, width, |words| {
                        add_rows(&mut section, words, width);
                        Ok::<(), std::io::Error>(())
                    });
                    added.map_err(MatchError::Spill)?;
                }
            }
        };
        in_threads(self.settings.workers(), &fill)?;
        drop(sections);
        self.used.fetch_add(filter.bytes(), Ordering::Relaxed);
        let _ = self.filter.set(filter);
        Ok(())
    }

    fn over(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.settings.buffer_bytes_max()
    }

    fn spill(&self, side: Side, parts: Partitions) -> Result<(), MatchError> {
        let memory = &self.settings.memory;
        let folder = memory.spill_folder.as_deref();
        let folder = folder.ok_or(MatchError::OutOfMemory { bytes_max: memory.bytes_max })?;
        let bytes = parts.bytes();
        let spilled = self.spilled.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if spilled > memory.spill_bytes_max {
            return Err(MatchError::SpillLimit { bytes_max: memory.spill_bytes_max });
        }
        let run = Run::write(folder, parts.into_blocks()).map_err(MatchError::Spill)?;
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        lock(self.sealed(side)).runs.push(run);
        Ok(())
    }

    /// Spills what finished writers left behind.
    fn spill_sealed(&self) -> Result<(), MatchError> {
        for side in [Side::Left, Side::Right] {
            loop {
                let parts = lock(self.sealed(side)).parts.pop();
                let Some(parts) = parts else { break };
                self.spill(side, parts)?;
            }
        }
        Ok(())
    }

    /// Ends writing: all that was sealed, ready to be matched partition by partition.
    pub(crate) fn close(self: Arc<Self>) -> Result<Closed, MatchError> {
        // Every writer holds on to the store.
        Arc::try_unwrap(self).map(Self::closed).map_err(|_| MatchError::OutOfTurn)
    }

    fn closed(self) -> Closed {
        let open =
            |mutex: Mutex<Sealed>| mutex.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (left, right) = (open(self.left), open(self.right));
        let count = 1_usize << self.settings.bits();
        let spilled_bytes = left.runs.iter().chain(&right.runs).map(Run::bytes).sum();
        let transpose = |all: Vec<Partitions>| {
            let mut parts: Vec<Blocks> = (0..count).map(|_| Blocks::new()).collect();
            for one in all {
                for (part, blocks) in parts.iter_mut().zip(one.into_blocks()) {
                    part.extend(blocks);
                }
            }
            parts
        };
        let pairs = transpose(left.parts).into_iter().zip(transpose(right.parts));
        Closed {
            settings: self.settings,
            widths: self.widths,
            parts: pairs.map(|(l, r)| Mutex::new((l, r))).collect(),
            left_runs: left.runs,
            right_runs: right.runs,
            usage: Usage { buffer_bytes_peak: self.peak.into_inner(), spilled_bytes },
        }
    }
}

fn add_rows(section: &mut Section<'_>, words: &[u64], width: usize) {
    for row in words.chunks_exact(width) {
        if let [high, low, ..] = *row {
            section.add(Token { high, low });
        }
    }
}

/// One thread's way into the store.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Arc<Store>,
    side: Side,
    parts: Partitions,
}

impl Writer {
    pub(crate) fn push(
        &mut self,
        column: &TokenColumn,
        load: &impl Load,
    ) -> Result<(), MatchError> {
        let rows = column.rows();
        let store = Arc::clone(&self.store);
        let filter = store.filter.get();
        if filter.is_some() && self.side == Side::Left {
            return Err(MatchError::OutOfTurn);
        }
        for from in (0..rows).step_by(STEP_ROWS) {
            self.store.settings.go_on()?;
            let before = self.parts.bytes();
            let to = rows.min(from + STEP_ROWS);
            self.parts.scatter(column, load, (from, to), filter);
            let grown = self.parts.bytes() - before;
            let used = self.store.used.fetch_add(grown, Ordering::Relaxed) + grown;
            self.store.peak.fetch_max(used, Ordering::Relaxed);
            if self.store.over() {
                self.relieve()?;
            }
        }
        Ok(())
    }

    /// Spills what lies finished first, then this writer's own rows where they are a fair share.
    fn relieve(&mut self) -> Result<(), MatchError> {
        self.store.spill_sealed()?;
        let writers = self.store.writers.load(Ordering::Relaxed).max(1);
        let fair = self.store.settings.buffer_bytes_max() / (2 * writers);
        if self.store.over() && self.parts.bytes() >= fair {
            let store = Arc::clone(&self.store);
            let empty = Partitions::new(store.width(self.side), store.settings.bits());
            store.spill(self.side, std::mem::replace(&mut self.parts, empty))?;
        }
        Ok(())
    }

    /// Hands the rows over. A writer dropped without this takes its rows with it.
    pub(crate) fn seal(mut self) {
        let empty = Partitions::new(1, 1);
        let parts = std::mem::replace(&mut self.parts, empty);
        lock(self.store.sealed(self.side)).parts.push(parts);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.store.writers.fetch_sub(1, Ordering::Relaxed);
        lock(self.store.sealed(self.side)).open -= 1;
        self.store.used.fetch_sub(self.parts.bytes(), Ordering::Relaxed);
    }
}

/// What was written, partition by partition.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) settings: Settings,
    pub(crate) usage: Usage,
    widths: (usize, usize),
    parts: Vec<Mutex<(Blocks, Blocks)>>,
    left_runs: Vec<Run>,
    right_runs: Vec<Run>,
}

impl Closed {
    /// Works every partition off with `threads` workers; what each worker ended with.
    pub(crate) fn each_partition<W: Send>(
        &self,
        worker: impl Fn() -> W + Sync,
        work: impl Fn(&mut W, &Partition<'_>) -> Result<(), MatchError> + Sync,
    ) -> Result<Vec<W>, MatchError> {
        let next = AtomicUsize::new(0);
        let run = || -> Result<W, MatchError> {
            let mut state = worker();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = self.parts.get(number) else {
                    return Ok(state);
                };
                self.settings.go_on()?;
                let (left, right) = std::mem::take(&mut *lock(part));
                let partition = Partition { closed: self, number, left, right };
                let done = work(&mut state, &partition);
                if done.is_err() {
                    next.store(self.parts.len(), Ordering::Relaxed);
                }
                done?;
            }
        };
        in_threads(self.settings.workers(), &run)
    }
}

/// Runs the same work on several threads and collects what each ended with.
pub(crate) fn in_threads<W: Send>(
    threads: usize,
    run: &(impl Fn() -> Result<W, MatchError> + Sync),
) -> Result<Vec<W>, MatchError> {
    if threads <= 1 {
        return Ok(vec![run()?]);
    }
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.map(|e| e.unwrap_or(Err(MatchError::Worker))).collect()
    })
}

/// One partition of both sides.
#[derive(Debug)]
pub(crate) struct Partition<'c> {
    closed: &'c Closed,
    number: usize,
    left: Blocks,
    right: Blocks,
}

impl Partition<'_> {
    fn side(&self, side: Side) -> (&Blocks, &[Run], usize) {
        match side {
            Side::Left => (&self.left, &self.closed.left_runs, self.closed.widths.0),
            Side::Right => (&self.right, &self.closed.right_runs, self.closed.widths.1),
        }
    }

    pub(crate) fn rows(&self, side: Side) -> usize {
        let (blocks, runs, width) = self.side(side);
        let held: usize = blocks.iter().map(Vec::len).sum();
        let spilled: usize = runs.iter().map(|r| r.words(self.number)).sum();
        (held + spilled) / width
    }

    /// Gives every piece of the side's rows to `each`.
    pub(crate) fn each_piece(
        &self,
        side: Side,
        mut each: impl FnMut(&[u64]) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let (blocks, runs, width) = self.side(side);
        for block in blocks {
            each(block)?;
        }
        for run in runs {
            self.closed.settings.go_on()?;
            run.read(self.number, width, &mut each)?;
        }
        Ok(())
    }

    /// Matches the whole partition, or its parts by further bits where the whole does not fit.
    pub(crate) fn split_until_it_fits(
        &self,
        mut attempt: impl FnMut(Slice) -> Result<(), Stop>,
    ) -> Result<(), MatchError> {
        let mut waiting = vec![Slice::whole(self.closed.settings.bits())];
        while let Some(slice) = waiting.pop() {
            self.closed.settings.go_on()?;
            match attempt(slice) {
                Ok(()) => {}
                Err(Stop::Full) => waiting.extend(slice.quarters()),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Why a partition was not matched to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The table outgrew its share; try a part of the partition.
    Full,
    Failed(MatchError),
}

impl From<MatchError> for Stop {
    fn from(error: MatchError) -> Self {
        Self::Failed(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(MatchError::Spill(error))
    }
}

/// The part of a partition whose tokens go on with certain bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    skip: u32,
    bits: u32,
    prefix: u64,
}

/// Further bits after which a part is matched whatever it takes: its tokens are then all but equal.
const SPLIT_BITS_MAX: u32 = 16;

impl Slice {
    fn whole(skip: u32) -> Self {
        Self { skip, bits: 0, prefix: 0 }
    }

    pub(crate) fn is_whole(self) -> bool {
        self.bits == 0
    }

    /// Whether a part with this many tokens can be split; one token cannot.
    pub(crate) fn may_split(self, tokens: usize) -> bool {
        self.bits < SPLIT_BITS_MAX && tokens > 1
    }

    #[inline]
    pub(crate) fn has(self, high: u64) -> bool {
        self.bits == 0 || (high << self.skip) >> (64 - self.bits) == self.prefix
    }

    fn quarters(self) -> impl Iterator<Item = Self> {
        (0..4).map(move |two| Self {
            skip: self.skip,
            bits: self.bits + 2,
            prefix: self.prefix << 2 | two,
        })
    }
}
