//! Breadth first through every state, each once; then backwards from where all is as decided. Must not know what a step means.

#![expect(
    clippy::cast_possible_truncation,
    reason = "states are numbered in 32 bits, of which a limit keeps them far; a hash may lose bits"
)]

use crate::promise::{Promise, STUCK, is_at_rest};
use crate::rules::Rules;
use crate::step::{Next, Step, steps};
use crate::world::World;

/// Memory for more than this is nowhere.
const STATES_MAX: usize = 200_000_000;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// States, up to who is called what.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// The most steps that a state is away from the first.
    pub depth: usize,
    /// Whether every state within the bounds was seen.
    pub whole: bool,
    /// A promise that is broken, and the shortest way there.
    pub broken: Option<(Promise, Vec<(Step, World)>)>,
}

/// States by number, each with the one that it was reached from.
struct Seen {
    words: Vec<u128>,
    parents: Vec<u32>,
    /// Open addressing: a state's number and one, or nothing.
    table: Vec<u32>,
}

impl Seen {
    fn new() -> Self {
        Self { words: Vec::new(), parents: Vec::new(), table: vec![0; 1 << 16] }
    }

    fn slot(&self, word: u128) -> usize {
        let folded = (word as u64) ^ ((word >> 64) as u64).rotate_left(32);
        let mixed = folded.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut at = (mixed ^ (mixed >> 29)) as usize & (self.table.len() - 1);
        while self.table[at] != 0 && self.words[self.table[at] as usize - 1] != word {
            at = (at + 1) & (self.table.len() - 1);
        }
        at
    }

    /// The state's number.
    fn add(&mut self, word: u128, parent: u32) -> u32 {
        let at = self.slot(word);
        if self.table[at] != 0 {
            return self.table[at] - 1;
        }
        self.words.push(word);
        self.parents.push(parent);
        self.table[at] = self.words.len() as u32;
        if self.words.len() * 10 > self.table.len() * 6 {
            self.table = vec![0; self.table.len() * 2];
            for number in 0..self.words.len() {
                let at = self.slot(self.words[number]);
                self.table[at] = number as u32 + 1;
            }
        }
        self.words.len() as u32 - 1
    }
}

/// Visits every state within the bounds, at most `limit` of them.
#[must_use]
pub fn explore(rules: Rules, limit: usize) -> Found {
    let limit = limit.min(STATES_MAX);
    let platforms = usize::from(rules.platforms);
    let mut seen = Seen::new();
    seen.add(World::first().canonical(platforms), 0);
    let mut found = Found { states: 1, transitions: 0, depth: 0, whole: true, broken: None };
    let (mut fair, mut starts, mut rests) = (Vec::<u32>::new(), Vec::<u32>::new(), Vec::new());
    let (mut out, mut number, mut level_end) = (Vec::new(), 0, 1);
    while number < seen.words.len() {
        if number == level_end {
            (found.depth, level_end) = (found.depth + 1, seen.words.len());
        }
        let world = World::unpacked(seen.words[number]);
        rests.push(is_at_rest(rules, &world));
        starts.push(fair.len() as u32);
        steps(rules, &world, &mut out);
        for next in &out {
            found.transitions += 1;
            if let Some(promise) = next.broken {
                let mut way = way(rules, &seen, number);
                let last = way.last().map_or_else(World::first, |(_, world)| *world);
                let mut out = Vec::new();
                steps(rules, &last, &mut out);
                let same = |one: &&Next| one.broken == Some(promise);
                way.extend(out.iter().find(same).map(|one| (one.step, one.world)));
                found.states = seen.words.len();
                return Found { broken: Some((promise, way)), ..found };
            }
            let to = seen.add(next.world.canonical(platforms), number as u32);
            if next.step.is_fair() && to as usize != number {
                fair.push(to);
            }
        }
        number += 1;
        if seen.words.len() > limit {
            return Found { states: seen.words.len(), whole: false, ..found };
        }
    }
    found.states = seen.words.len();
    starts.push(fair.len() as u32);
    let stuck = stuck(rests, &starts, &fair);
    found.broken = stuck.map(|number| (STUCK, way(rules, &seen, number)));
    found
}

/// The first state from which none is reached where all is at rest: what reaches one is marked until nothing more can be.
fn stuck(mut good: Vec<bool>, starts: &[u32], fair: &[u32]) -> Option<usize> {
    loop {
        let mut grew = false;
        for number in (0..good.len()).rev() {
            let edges = &fair[starts[number] as usize..starts[number + 1] as usize];
            if !good[number] && edges.iter().any(|to| good[*to as usize]) {
                (good[number], grew) = (true, true);
            }
        }
        if !grew {
            return good.iter().position(|one| !one);
        }
    }
}

/// The way to a state, under the same names throughout.
fn way(rules: Rules, seen: &Seen, mut number: usize) -> Vec<(Step, World)> {
    let mut words = Vec::new();
    while number != 0 {
        words.push(seen.words[number]);
        number = seen.parents[number] as usize;
    }
    let (mut world, mut way, mut out) = (World::first(), Vec::new(), Vec::new());
    for word in words.into_iter().rev() {
        steps(rules, &world, &mut out);
        let same = |next: &&Next| next.world.canonical(usize::from(rules.platforms)) == word;
        let Some(next) = out.iter().find(same) else { break };
        world = next.world;
        way.push((next.step, world));
    }
    way
}
